// SPDX-License-Identifier: Apache-2.0
//! Pages on models, evidence and scores (W07).

pages! {
    "W0701" "a model that cannot be read"
    r#"A model is a JSON file with a bias and a weight for each input, in nats. The notes say what is wrong with it.

    {"kind": "linear", "bias": -2.1, "inputs": {"hosting": {"weight": 1.2}}}"#
    "W0702" "inputs that do not fit the model"
    r#"A model needs a value for each of its inputs, under the names that its file has."#
    "W0703" "not a number"
    r#"Weights, caps, priors and terms of scores are numbers, in nats; a model's inputs are numbers or conditions. Divide a quantity by
one of its kind to make a number of it.

    weigh form_time               # wrong
    weigh form_time / "1m"        # right"#
    "W0704" "a score wrongly written"
    r#"A score sums up evidence, models and a prior, in nats. One abuse in a hundred is prior(-4.6), the logarithm of 1 to 99.

    score takeover on login = unfamiliar                        # wrong
    score takeover on login = sum(prior(-4.6), unfamiliar)      # right"#
    "W0705" "about other events"
    r#"Evidence, scores and models are about events of one type, which stands after `on`, and only rules on that type can read them."#
    "W0706" "caps wrongly written"
    r#"`capped` says the least and the most that evidence may weigh, as written numbers, the lower one first.

    weigh log(a / b) capped 6 to -2      # wrong
    weigh log(a / b) capped -2 to 6      # right"#
    "W0707" "a figure that is not there"
    r#"A score has `.probability` and `.known`, how many of its terms are known. In a reason, `{takeover.top(3)}` names the strongest
terms. Evidence and models have no figures but their weight."#
}
