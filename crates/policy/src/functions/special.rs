// SPDX-License-Identifier: Apache-2.0
//! Words that are written like functions and are more than that: the checker knows each of them.

/// One of them, as the book tells it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Special {
    /// Its name in policy.
    pub(crate) name: &'static str,
    /// How it is written, and the type of its value.
    pub(crate) signature: &'static str,
    /// What it does.
    pub(crate) doc: &'static str,
    /// Values of it that need no event.
    pub(crate) examples: &'static [(&'static str, &'static str)],
}

/// In the order of the book.
pub(crate) const SPECIAL: &[Special] = &[
    Special {
        name: "matches",
        signature: "matches(text: text, regex: text) -> bool",
        doc: "Whether a regular expression is found anywhere in a text; `^` and `$` tie it to the ends. It is written out, \
              and read when the policy is. Its time is linear in the length of the text, whatever the text is: there are \
              no backward references and no looking around.",
        examples: &[
            ("matches(\"user1234\", \"[0-9]{4}$\")", "true"),
            ("matches(\"user1234\", \"^[0-9]\")", "false"),
            ("matches(\"BOT\", \"(?i)bot\")", "true"),
        ],
    },
    Special {
        name: "len",
        signature: "len(items: list) -> int",
        doc: "How many items a list field has.",
        examples: &[],
    },
    Special {
        name: "any",
        signature: "any(CONDITION for x in items if FILTER) -> bool",
        doc: "Whether the condition holds for at least one item, of those that the filter lets through: `any(x.size > \
              \"1MB\" for x in attachments)`. The filter may be left out, here and below.",
        examples: &[],
    },
    Special {
        name: "all",
        signature: "all(CONDITION for x in items if FILTER) -> bool",
        doc: "Whether the condition holds for every item. True where there are none.",
        examples: &[],
    },
    Special {
        name: "sum",
        signature: "sum(VALUE for x in items if FILTER) -> measure",
        doc: "The sum over the items: `sum(x.size for x in attachments)`.",
        examples: &[],
    },
    Special {
        name: "min",
        signature: "min(VALUE for x in items if FILTER) -> ordered",
        doc: "The least over the items. Missing where there are none.",
        examples: &[],
    },
    Special {
        name: "max",
        signature: "max(VALUE for x in items if FILTER) -> ordered",
        doc: "The greatest over the items. Missing where there are none.",
        examples: &[],
    },
    Special {
        name: "labelled",
        signature: "labelled(x: any, label: text) -> bool",
        doc: "Whether a label was put on a value and has not expired: `labelled(ip.net, \"farm\")`.",
        examples: &[],
    },
];
