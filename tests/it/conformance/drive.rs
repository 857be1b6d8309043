//! A balancer of the catalogue, driven as a vector says: the fields of servers, requests and scripts that most products' vectors share.

use super::vector::{Field, Vector};
use evenkeel::balance::{BackendId, Member, Pick, Said, State, find};
use evenkeel::catalogue;
use evenkeel::pick::Desk;
use evenkeel::random::Stream;
use evenkeel::scenario::defaults;
use evenkeel::time::Span;
use serde_json::{Map, Value, json};

/// A desk whose backends have names.
pub(super) struct Drive {
    pub(super) desk: Desk,
    names: Vec<String>,
    next: u64,
}

/// Parameters of a balancer that are not its defaults.
pub(super) type Set = Vec<(&'static str, catalogue::Value)>;

impl Drive {
    /// The balancer of that name, with these backends.
    pub(super) fn new(kind: &str, set: Set, members: Vec<Member>) -> Result<Self, String> {
        let listed = find(kind).ok_or_else(|| format!("there is no balancer `{kind}`"))?;
        let mut values = defaults(&listed.entry);
        set.into_iter().for_each(|(name, value)| values.set(name, value));
        let names = members.iter().map(|member| member.name.clone()).collect();
        Ok(Self { desk: Desk::new((listed.build)(&values), members, Stream::new(1)), names, next: 1 << 32 })
    }

    /// The balancer of that name, with the vector's servers.
    pub(super) fn of(kind: &str, set: Set, vector: &Vector<'_>) -> Result<Self, String> {
        Self::new(kind, set, servers(vector)?)
    }

    /// The backend of that name.
    pub(super) fn backend(&self, name: &str) -> Result<BackendId, String> {
        let at = self.names.iter().position(|known| known == name);
        at.map(|at| BackendId(at as u32)).ok_or_else(|| format!("there is no server {name}"))
    }

    fn backends(&self, names: Field<'_>) -> Result<Vec<BackendId>, String> {
        names.each_or_none(|name| self.backend(name.text()?))
    }

    pub(super) fn name(&self, backend: BackendId) -> Value {
        Value::from(self.names[backend.index()].as_str())
    }

    fn named(&self, pick: Pick) -> Value {
        match pick {
            Pick::Backend(backend) => self.name(backend),
            Pick::Wait => "wait".into(),
            Pick::None => Value::Null,
        }
    }

    /// Puts backends in a state.
    pub(super) fn set_states(&mut self, names: Field<'_>, state: State) -> Result<(), String> {
        let backends = self.backends(names)?;
        backends.into_iter().for_each(|backend| self.desk.set_state(backend, state));
        Ok(())
    }

    /// One request that is answered before the next one comes.
    pub(super) fn one(&mut self, said: Said) -> Value {
        self.next += 1;
        let pick = self.desk.pick(self.next, said, 0);
        self.desk.done(self.next, true, Some(Span::ZERO));
        self.named(pick)
    }

    /// Requests one after the other.
    pub(super) fn sequence(&mut self, said: impl IntoIterator<Item = Said>) -> Value {
        said.into_iter().map(|said| self.one(said)).collect()
    }

    /// `["open", number, key, is first]` and `["close", number]`; where each open one went at once.
    pub(super) fn script(&mut self, ops: Field<'_>) -> Result<Value, String> {
        let mut picks = Vec::new();
        for op in ops.list()? {
            picks.extend(self.step(op)?.map(|(_, pick)| self.named(pick)));
        }
        Ok(picks.into())
    }

    /// The same script: pairs of a request and its server, in the order in which requests reach servers.
    pub(super) fn reached(&mut self, ops: Field<'_>) -> Result<Value, String> {
        let (mut order, mut seen) = (Vec::new(), 0);
        for op in ops.list()? {
            if let Some((number, Pick::Backend(backend))) = self.step(op)? {
                order.push(json!([number, self.name(backend)]));
            }
            let dispatched = self.desk.dispatched();
            order.extend(dispatched[seen..].iter().map(|&(number, backend)| json!([number, self.name(backend)])));
            seen = dispatched.len();
        }
        Ok(order.into())
    }

    /// One step: the request that was opened and where it went.
    fn step(&mut self, op: Field<'_>) -> Result<Option<(u64, Pick)>, String> {
        let op = op.list()?;
        let (what, number) = (op.first().ok_or("an empty step")?.text()?, op.get(1).ok_or("a step without a number")?.u64()?);
        match what {
            "open" => {
                let said = op.get(2).and_then(|key| key.maybe()).map_or(Ok(Said::default()), |key| key.text().map(keyed))?;
                let goes_first = op.get(3).is_some_and(|first| first.u64().is_ok_and(|first| first > 0) || first.bool() == Ok(true));
                Ok(Some((number, self.desk.pick(number, said, if goes_first { -1 } else { 0 }))))
            }
            "close" => {
                self.desk.done(number, true, Some(Span::ZERO));
                Ok(None)
            }
            other => Err(format!("unknown step {other}")),
        }
    }

    /// The shares of a million picks: the recorded share where ours is within 0.003 of it, ours where it is not.
    pub(super) fn shares(&mut self, expected: Field<'_>) -> Result<Value, String> {
        const PICKS: u32 = 1_000_000;
        let mut counts = vec![0_u32; self.names.len()];
        for _ in 0..PICKS {
            self.next += 1;
            if let Pick::Backend(backend) = self.desk.pick(self.next, Said::default(), 0) {
                counts[backend.index()] += 1;
            }
            self.desk.done(self.next, true, Some(Span::ZERO));
        }
        let mut shares = Map::new();
        for (name, expected) in expected.entries()? {
            let ours = f64::from(counts[self.backend(name)?.index()]) / f64::from(PICKS);
            let share = if (ours - expected.f64()?).abs() <= 0.003 { expected.value.clone() } else { json!(ours) };
            shares.insert(name.to_owned(), share);
        }
        Ok(shares.into())
    }
}

/// A request with this key.
pub(super) fn keyed(key: &str) -> Said {
    Said { key: Some(key.to_owned()), ..Said::default() }
}

/// A request from this client.
pub(super) fn from_client(client: &str) -> Said {
    Said { client: Some(client.to_owned()), ..Said::default() }
}

/// The requests of a vector, whatever it calls their keys; without keys, as many as it says.
pub(super) fn requests(input: Field<'_>) -> Result<Vec<Said>, String> {
    for name in ["keys", "uris", "values", "header_values"] {
        if let Some(keys) = input.get(name).maybe() {
            return keys.each(|key| Ok(key.maybe().map(Field::text).transpose()?.map_or_else(Said::default, keyed)));
        }
    }
    if let Some(clients) = input.get("client_addresses").maybe() {
        return clients.each(|client| Ok(from_client(client.text()?)));
    }
    Ok(vec![Said::default(); input.get("requests").usize()?])
}

/// The vector's servers, in order.
pub(super) fn servers(vector: &Vector<'_>) -> Result<Vec<Member>, String> {
    vector.config.get("servers").each(server)
}

fn server(field: Field<'_>) -> Result<Member, String> {
    let text = |name| field.get(name).maybe().map(Field::text).transpose();
    let number = |name| field.get(name).maybe().map(Field::u32).transpose();
    let (name, address) = (text("name")?, text("address")?);
    let mut member = Member::new(address.or(name).ok_or("a server without a name")?);
    if let Some(port) = number("port")? {
        member.address = format!("{}:{port}", member.address);
    }
    if let Some(hashed) = text("hash_name")? {
        member.address = hashed.to_owned();
    }
    member.name = name.or(address).unwrap_or_default().to_owned();
    member.weight = field.get("weight").f64_or(1.0)?;
    member.id = number("id")?;
    member.backup = field.get("backup").bool_or(false)?;
    member.max_fails = number("max_fails")?;
    member.fail_timeout = field.get("fail_timeout").maybe().map(Field::f64).transpose()?.map(Span::from_secs_f64);
    // Both products write 0 for no limit.
    member.max_in_flight = number("max_conns")?.or(number("maxconn")?).filter(|&limit| limit > 0);
    member.max_waiting = number("maxqueue")?.filter(|&limit| limit > 0);
    member.state = if field.get("down").bool_or(false)? { State::Down } else { State::Up };
    Ok(member)
}

/// `{"picks": …}` or `{"picks_of_opens": …}`, by what the vector's input is.
pub(super) fn picks(drive: &mut Drive, vector: &Vector<'_>) -> Result<Value, String> {
    match vector.input.get("ops").maybe() {
        Some(ops) => Ok(json!({"picks_of_opens": drive.script(ops)?})),
        None => Ok(json!({"picks": drive.sequence(requests(vector.input)?)})),
    }
}

/// What a statistical vector expects, its shares as ours where they are too far off.
pub(super) fn statistical(drive: &mut Drive, vector: &Vector<'_>, shares: &'static str) -> Result<Value, String> {
    let mut got = vector.expected.as_object().cloned().ok_or("`expected` is not an object")?;
    got.insert(shares.to_owned(), drive.shares(vector.expected().get(shares))?);
    Ok(got.into())
}
