//! The scenario drawn: sources, the balancer, the services with their groups of backends, and who calls whom.

use crate::measure::detail::{GroupSetup, ServiceSetup, Setup};
use crate::report::figure::letters;
use crate::report::figure::words::name;
use crate::report::neutral::html;
use std::fmt::Write;

const WIDTH: i32 = 760;
const LINE: i32 = 18;
const GAP: i32 = 16;
/// Left and right edges of the three columns.
const SOURCES: (i32, i32) = (4, 150);
const BALANCER: (i32, i32) = (214, 374);
const SERVICES: (i32, i32) = (420, 718);
/// More boxes than this are not drawn one by one.
const MOST: usize = 12;

/// A box with lines of text.
struct Crate {
    edges: (i32, i32),
    top: i32,
    lines: Vec<String>,
}

impl Crate {
    fn height(&self) -> i32 {
        self.lines.len() as i32 * LINE + 12
    }

    fn middle(&self) -> i32 {
        self.top + self.height() / 2
    }

    fn draw(&self, svg: &mut String) {
        let (left, right) = self.edges;
        let (width, height) = (right - left, self.height());
        write!(svg, "<rect class=\"node\" x=\"{left}\" y=\"{}\" width=\"{width}\" height=\"{height}\" rx=\"6\"/>", self.top)
            .expect("a string takes everything");
        for (number, line) in self.lines.iter().enumerate() {
            let class = if number == 0 { "name" } else { "label" };
            let y = self.top + 6 + LINE * number as i32 + 13;
            let line = html(&letters::fitted(line, 12.0, f64::from(width - 18)));
            writeln!(svg, "<text class=\"{class}\" x=\"{}\" y=\"{y}\">{line}</text>", left + 9).expect("a string takes everything");
        }
    }
}

/// The drawing, with what it shows in words for those who do not see it.
pub(super) fn drawn(setup: &Setup, id: &str) -> String {
    let services: Vec<Crate> = stacked(SERVICES, setup.services.iter().map(service).collect());
    let sources = stacked(SOURCES, sources(setup));
    if services.is_empty() {
        return String::new();
    }
    let height = services.iter().chain(&sources).map(|one| one.top + one.height()).max().unwrap_or(0) + 4;
    let mut balancer = Crate { edges: BALANCER, top: 0, lines: balancers(setup) };
    balancer.top = (height - balancer.height()) / 2;
    let shift = |boxes: Vec<Crate>| {
        let used = boxes.last().map_or(0, |last| last.top + last.height());
        boxes.into_iter().map(|one| Crate { top: one.top + (height - 4 - used) / 2, ..one }).collect::<Vec<_>>()
    };
    let (sources, services) = (shift(sources), shift(services));
    let mut svg = String::new();
    for source in &sources {
        arrow(&mut svg, (SOURCES.1, source.middle()), (BALANCER.0, balancer.middle()));
    }
    let called: Vec<usize> = setup.services.iter().flat_map(|service| &service.calls).map(|&callee| usize::from(callee)).collect();
    for (at, service) in services.iter().enumerate().filter(|(at, _)| !called.contains(at)) {
        let _ = at;
        arrow(&mut svg, (BALANCER.1, balancer.middle()), (SERVICES.0, service.middle()));
    }
    calls(&mut svg, setup, &services);
    sources.iter().chain([&balancer]).chain(&services).for_each(|one| one.draw(&mut svg));
    let said = html(&in_words(setup));
    format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Topology\"><svg class=\"topology\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\">\
         <title id=\"{id}-t\">Where requests go</title><desc id=\"{id}-d\">{said}</desc>\n{svg}</svg></div>\n"
    )
}

fn stacked(edges: (i32, i32), texts: Vec<Vec<String>>) -> Vec<Crate> {
    let mut top = 4;
    let mut boxes = Vec::new();
    for lines in texts.into_iter().take(MOST) {
        let one = Crate { edges, top, lines };
        top += one.height() + GAP;
        boxes.push(one);
    }
    boxes
}

fn sources(setup: &Setup) -> Vec<Vec<String>> {
    let named = |source: &String| vec![if source.is_empty() { "traffic".to_owned() } else { name(source) }];
    if setup.sources.len() <= 6 {
        setup.sources.iter().map(named).collect()
    } else {
        vec![vec![format!("{} sources", setup.sources.len())]]
    }
}

fn balancers(setup: &Setup) -> Vec<String> {
    match setup.instances {
        0 | 1 => vec!["balancer".into(), "each in its turn".into()],
        several => vec!["balancer".into(), format!("{several} instances")],
    }
}

fn service(service: &ServiceSetup) -> Vec<String> {
    let mut lines = Vec::new();
    if !service.name.is_empty() {
        lines.push(name(&service.name));
    }
    lines.extend(service.groups.iter().take(8).map(group));
    if service.groups.len() > 8 {
        lines.push(format!("and {} more groups", service.groups.len() - 8));
    }
    lines
}

/// `web × 8 · 2 workers · speed 0.5 · zone a`.
fn group(group: &GroupSetup) -> String {
    let mut said = name(&group.name);
    if group.count != 1 {
        said += &format!(" × {}", group.count);
    }
    match group.workers {
        Some(1) => {}
        Some(workers) => said += &format!(" · {workers} workers"),
        None => said += " · unlimited workers",
    }
    if (group.speed - 1.0).abs() > 1e-9 {
        said += &format!(" · speed {}", group.speed);
    }
    if let Some(zone) = &group.zone {
        said += &format!(" · zone {}", name(zone));
    }
    said
}

fn arrow(svg: &mut String, (x0, y0): (i32, i32), (x1, y1): (i32, i32)) {
    let middle = i32::midpoint(x0, x1);
    writeln!(svg, "<path class=\"edge\" d=\"M{x0} {y0}C{middle} {y0} {middle} {y1} {} {y1}\"/>", x1 - 7)
        .expect("a string takes everything");
    writeln!(svg, "<path class=\"tip\" d=\"M{x1} {y1}l-8-4v8z\"/>").expect("a string takes everything");
}

/// Calls between services go round their right side.
fn calls(svg: &mut String, setup: &Setup, services: &[Crate]) {
    for (from, service) in setup.services.iter().enumerate().take(services.len()) {
        for to in service.calls.iter().map(|&to| usize::from(to)).filter(|&to| to < services.len()) {
            let (x, y0, y1) = (SERVICES.1, services[from].middle() + 6, services[to].middle() - 6);
            writeln!(svg, "<path class=\"edge\" d=\"M{x} {y0}C{0} {y0} {0} {y1} {1} {y1}\"/>", x + 40, x + 7)
                .expect("a string takes everything");
            writeln!(svg, "<path class=\"tip\" d=\"M{x} {y1}l8-4v8z\"/>").expect("a string takes everything");
        }
    }
}

fn in_words(setup: &Setup) -> String {
    let sources: Vec<String> = setup.sources.iter().take(6).map(|source| name(source)).collect();
    let services = setup.services.iter().take(MOST).map(|one| {
        let called: Vec<String> =
            one.calls.iter().filter_map(|&to| setup.services.get(usize::from(to))).map(|callee| name(&callee.name)).collect();
        let calls = if called.is_empty() { String::new() } else { format!(", which calls {}", called.join(", ")) };
        format!("{}{calls}", service(one).join(", "))
    });
    let services: Vec<String> = services.collect();
    format!(
        "{} source(s) ({}) send to {} balancer instance(s), which send to: {}.",
        setup.sources.len(),
        sources.join(", "),
        setup.instances,
        services.join("; ")
    )
}
