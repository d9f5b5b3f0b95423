// SPDX-License-Identifier: Apache-2.0
//! The other engines as their documentation advises: expressions compiled once, one environment for all, the values of
//! the event in the engine's own form before the clock runs.

use anyhow::{Context as _, Result, anyhow, bail};
use cel::common::types::{CelBool, CelDouble, CelInt, CelString};
use serde_json::Value as Json;
use std::sync::Arc;
use zen_expression::vm::VM;
use zen_expression::{Isolate, Scope, Variable};

/// `cel`: expressions, and one event's values.
pub(crate) struct Cel {
    programs: Vec<cel::Program>,
    context: cel::Context<'static, 'static>,
}

impl Cel {
    /// # Errors
    /// When an expression does not compile, or a value is of no plain kind.
    pub(crate) fn new(sources: &[String], values: &Json) -> Result<Cel> {
        let env = Arc::new(cel::Env::stdlib());
        let programs = cel_compile(&env, sources)?;
        let mut context = cel::Context::with_env(env);
        for (name, value) in values.as_object().context("an object")? {
            match value {
                Json::Bool(b) => context.add_variable_as_val(name.as_str(), Box::new(CelBool::from(*b))),
                Json::String(s) => {
                    context.add_variable_as_val(name.as_str(), Box::new(CelString::from(s.clone())))
                }
                Json::Number(n) => match (n.as_i64(), n.as_f64()) {
                    (Some(n), _) => context.add_variable_as_val(name.as_str(), Box::new(CelInt::from(n))),
                    (_, Some(n)) => context.add_variable_as_val(name.as_str(), Box::new(CelDouble::from(n))),
                    _ => bail!("{name} is no number"),
                },
                other => bail!("{name} is {other}"),
            }
        }
        Ok(Cel { programs, context })
    }

    /// How many of the expressions are true.
    pub(crate) fn holding(&self) -> usize {
        let holds = |p: &&cel::Program| matches!(p.execute(&self.context), Ok(cel::Value::Bool(true)));
        self.programs.iter().filter(holds).count()
    }

    /// The same, if every expression gives a truth.
    ///
    /// # Errors
    /// When one does not.
    pub(crate) fn checked(&self) -> Result<usize> {
        for program in &self.programs {
            match program.execute(&self.context) {
                Ok(cel::Value::Bool(_)) => {}
                other => bail!("cel gives {other:?}"),
            }
        }
        Ok(self.holding())
    }
}

/// # Errors
/// When an expression does not compile.
pub(crate) fn cel_compile(env: &Arc<cel::Env>, sources: &[String]) -> Result<Vec<cel::Program>> {
    sources.iter().map(|s| env.compile(s).map_err(|e| anyhow!("cel: {s}: {e}"))).collect()
}

type ZenRule = zen_expression::Expression<zen_expression::expression::Standard>;

/// `zen-expression`: expressions, and one event's values.
pub(crate) struct Zen {
    rules: Vec<ZenRule>,
    scope: Scope,
    vm: VM,
}

impl Zen {
    /// # Errors
    /// When an expression does not compile.
    pub(crate) fn new(sources: &[String], values: &Json) -> Result<Zen> {
        let variable: Variable = serde_json::from_str(&values.to_string()).context("zen context")?;
        Ok(Zen { rules: zen_compile(sources)?, scope: Scope::new(variable), vm: VM::new() })
    }

    /// How many of the expressions are true.
    pub(crate) fn holding(&mut self) -> usize {
        let (scope, vm) = (&self.scope, &mut self.vm);
        self.rules
            .iter()
            .filter(|r| r.evaluate_with_scope(scope, vm).is_ok_and(|v| v.as_bool() == Some(true)))
            .count()
    }

    /// The same, if every expression gives a truth.
    ///
    /// # Errors
    /// When one does not.
    pub(crate) fn checked(&mut self) -> Result<usize> {
        for rule in &self.rules {
            let answer =
                rule.evaluate_with_scope(&self.scope, &mut self.vm).map_err(|e| anyhow!("zen: {e}"))?;
            answer.as_bool().with_context(|| format!("zen gives {answer:?}"))?;
        }
        Ok(self.holding())
    }
}

/// # Errors
/// When an expression does not compile.
pub(crate) fn zen_compile(sources: &[String]) -> Result<Vec<ZenRule>> {
    let mut isolate = Isolate::new();
    sources.iter().map(|s| isolate.compile_standard(s).map_err(|e| anyhow!("zen: {s}: {e}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_say_how_many_hold_and_refuse_what_is_no_truth() {
        let values = json!({"a": 3, "b": 0.5, "c": "x", "d": true});
        let check = |sources: &[&str], expect: Option<usize>| {
            let sources: Vec<String> = sources.iter().map(|s| (*s).to_owned()).collect();
            let cel = Cel::new(&sources, &values).and_then(|c| c.checked()).ok();
            let zen = Zen::new(&sources, &values).and_then(|mut z| z.checked()).ok();
            assert_eq!((cel, zen), (expect, expect), "{sources:?}");
        };
        check(&["a > 2", "b > 0.7", "c == \"x\"", "d"], Some(3));
        check(&["a > 2", "a + 1"], None);
        check(&["a >"], None);
    }
}
