//! `evenkeel pick` as its users meet it: the documented examples, questions, wrong scripts, and garbage.

use evenkeel::pick::answer;
use evenkeel::random::Stream;
use evenkeel::scenario::{NoFiles, Source, load_pick_script};

fn ask(text: &str) -> Result<String, String> {
    let script = load_pick_script(&Source::new("ask.json", text.as_bytes()), &NoFiles).map_err(|found| found.to_string())?;
    answer(&script).map(|value| value.to_string()).map_err(|found| found.to_string())
}

#[test]
fn the_pages_script_gives_the_pages_answer() {
    let page = crate::blessed::read("docs/src/picks.md");
    let blocks: Vec<&str> = page.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(blocks.len(), 2, "a script and its answer");
    assert_eq!(ask(blocks[0]).as_deref(), Ok(blocks[1].trim()));
}

#[test]
fn every_step_of_the_page_is_understood() {
    let page = crate::blessed::read("docs/src/picks.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `{")).filter_map(|rest| rest.split('|').next());
    let mut seen = 0;
    for row in rows {
        for step in format!("`{{{row}").split('`').filter(|part| part.starts_with('{')) {
            let step = step
                .replace("\"keys\": […], \"clients\": […]", "\"keys\": [\"x\"], \"clients\": [\"10.0.0.9\"]")
                .replace(", …}", "}")
                .replace("{…}", "{\"name\": \"new\"}");
            let text = format!(
                "{{\"balancer\": \"round-robin\", \"backends\": [{{\"name\": \"a\"}}, {{\"name\": \"b\"}}], \"steps\": [{step}, {{\"pick\": 99}}]}}"
            );
            let said = ask(&text).unwrap_or_else(|error| panic!("{step}\n{error}"));
            assert!(said.starts_with("{\"picks\":["), "{said}");
            seen += 1;
        }
    }
    assert!(seen >= 14, "only {seen} steps were found");
}

#[test]
fn everything_that_is_wrong_is_said_at_once_with_its_place() {
    let text = r#"{"balancer": {"kind": "nginx/leastcon"},
 "backends": [{"name": "a", "wieght": 2}, {"name": "a"}],
 "steps": [{"pick": -1}, {"pik": 2}, {"pick": 3, "done": 3}, {"down": "zz"}, {"weight": {"a": "heavy"}}, {"advance": 5}]}"#;
    let said = ask(text).expect_err("nearly everything is wrong");
    for part in [
        "ask.json:1:23",
        "nginx/least-conn",
        "ask.json:2:29",
        "did you mean `weight`?",
        "two backends are called \"a\"",
        "ask.json:3:21",
        "did you mean `pick`?",
        "`pick` and `done` are two steps",
        "unknown backend \"zz\"",
        "steps[4].weight.a",
        "has no unit",
    ] {
        assert!(said.contains(part), "{part} is not in\n{said}");
    }
}

#[test]
fn a_request_that_is_held_is_said_to_wait_and_where_it_went() {
    let text = r#"{"balancer": {"kind": "pull"}, "backends": [{"name": "a"}],
        "steps": [{"pick": 1}, {"pick": 2}, {"pick": 3}, {"done": 3}, {"done": 1}, {"done": 2}]}"#;
    assert_eq!(ask(text).as_deref(), Ok(r#"{"picks":["a","wait","wait"],"counts":{"a":3},"dispatched":[[2,"a"],[3,"a"]]}"#));
}

#[test]
fn garbage_is_refused_and_nothing_panics() {
    let whole = r#"{"balancer":{"kind":"ring-hash","points":3},"backends":[{"name":"a"},{"name":"b","weight":2.5}],"draws":["1"],"steps":[{"pick":1,"key":"x"},{"done":1},{"add":{"name":"c"}},{"remove":"a"},{"repeat":3}]}"#;
    assert!(ask(whole).is_ok());
    let mut chance = Stream::new(4);
    for _ in 0..3_000 {
        let mut bytes = whole.as_bytes().to_vec();
        for _ in 0..=chance.below(4) {
            let at = chance.below(bytes.len() as u64) as usize;
            match chance.below(3) {
                0 => bytes[at] = b"{}[]\",:0-e\\\x00\xff"[chance.below(13) as usize],
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, b"{}[]\",:9"[chance.below(8) as usize]),
            }
        }
        let source = Source::new("g.json", &bytes);
        if let Ok(script) = load_pick_script(&source, &NoFiles) {
            let _ = answer(&script);
        }
    }
}
