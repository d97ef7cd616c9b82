//! One type's table: its rows are made, inserted, updated and deleted under random settings, and
//! their events compared with what PostgreSQL itself makes of the rows.

use super::random::{self, Random};
use super::types::{Type, Value};
use client::postgres::Client;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    Json,
    Text,
}

pub struct Table<'a> {
    type_: &'a Type,
    name: String,
    numbers: Numbers,
    rows: u64,
}

/// How many parts a statement's rows are written in, each under other settings.
const PARTS: u64 = 4;

/// Columns: the value, an array of it, a domain over it, a composite with it, arrays of both, a
/// composite in a composite, a domain over a composite.
const COLUMNS: [&str; 9] = ["id", "v", "a", "d", "\"c \"\"\\\"", "ca", "nn", "da", "dc"];

impl<'a> Table<'a> {
    pub fn new(type_: &'a Type, numbers: Numbers, rows: u64) -> Table<'a> {
        let suffix = if numbers == Numbers::Text {
            "_as_text"
        } else {
            ""
        };
        Table {
            type_,
            name: format!("{}{suffix}", type_.name),
            numbers,
            rows,
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The problems found, a few of them in full.
    pub fn compare(
        &self,
        maker: &mut Client,
        writer: &mut Client,
        reader: &mut Client,
        random: &mut Random,
    ) -> Result<Vec<String>, String> {
        run(maker, &format!("select setseed({})", random.unit()))?;
        run(maker, &self.make())?;
        let mut problems = Vec::new();
        let name = &self.name;
        self.write(writer, random, |part| {
            format!("insert into public.t_{name} select * from public.src_{name} where id % {PARTS} = {part}")
        })?;
        problems.extend(self.differences(reader, "INSERT", &self.inserted())?);
        if self.numbers == Numbers::Json {
            // A column whose old rows have no place for it, but a value.
            run(
                maker,
                &format!(
                    "alter table public.t_{name} add column late numeric default 7.50;
                     alter table public.src_{name} add column late numeric default 7.50"
                ),
            )?;
        }
        self.write(writer, random, |part| self.update(part))?;
        problems.extend(self.differences(reader, "UPDATE", &self.updated())?);
        run(
            maker,
            &format!(
                "create unlogged table public.gone_{name} as select * from public.t_{name} where id % 2 = 0"
            ),
        )?;
        self.write(writer, random, |part| {
            format!("delete from public.t_{name} where id % 2 = 0 and id / 2 % {PARTS} = {part}")
        })?;
        problems.extend(self.differences(reader, "DELETE", &self.deleted())?);
        run(
            maker,
            &format!("drop table public.t_{name}, public.src_{name}, public.gone_{name}"),
        )?;
        Ok(problems)
    }

    fn write(
        &self,
        writer: &mut Client,
        random: &mut Random,
        statement: impl Fn(u64) -> String,
    ) -> Result<(), String> {
        for part in 0..PARTS {
            for setting in random::settings(random) {
                // A locale the system has not is no matter.
                let _ = writer.batch_execute(&setting);
            }
            run(writer, &statement(part))?;
        }
        Ok(())
    }

    fn make(&self) -> String {
        let (name, decl) = (&self.name, self.type_.decl);
        let body = match self.type_.value {
            Value::Expression(expression) => format!("begin return ({expression})::{decl}; end"),
            Value::Range(subtype) => format!(
                "declare a record; begin
                    if random() < 0.1 then return 'empty'; end if;
                    select case when x < y then x else y end as low, case when x < y then y else x end as high
                        into a from (select {subtype} as x, {subtype} as y offset 0) s;
                    return {decl}(case when random() < 0.1 then null else a.low end, case when random() < 0.1 then null else a.high end,
                        gen.pick('[)', '[]', '()', '(]'));
                 end"
            ),
            Value::Multirange(range) => format!(
                "begin
                    case gen.n(0, 3)
                        when 0 then return {decl}();
                        when 1 then return {decl}(gen.v_{range}());
                        else return {decl}(gen.v_{range}(), gen.v_{range}(), gen.v_{range}());
                    end case;
                 end"
            ),
        };
        let some = |value: &str| {
            let rate = if self.type_.is_huge() { 0.15 } else { 0.35 };
            format!("case when random() < {rate} then {value} end")
        };
        let options = self.options("\"old_row\":\"full\",\"key_columns\":[\"id\",\"v\"],\"topics\":[\"all\",\"v:{v}\",\"{table}/{key}\"]");
        let slim = self.options("\"old_row\":\"changed\",\"new_row\":\"changed\",\"topics\":[\"slim\"],\"event_name\":\"slim\"");
        let columns = |t: &str, suffix: &str| {
            format!(
                "v {t}, a {t}[], d gen.d_{name}{suffix}, {odd} gen.c_{name}{suffix}, ca gen.c_{name}{suffix}[],
                 nn gen.n_{name}{suffix}, da gen.d_{name}{suffix}[], dc gen.e_{name}{suffix}",
                odd = COLUMNS[4]
            )
        };
        let types = |t: &str, suffix: &str| {
            format!(
                "create domain gen.d_{name}{suffix} as {t};
                 create type gen.c_{name}{suffix} as (gone int, n int4, \"v v\" {t}, \"é\"\"r\" {t}[], t text);
                 alter type gen.c_{name}{suffix} drop attribute gone;
                 create domain gen.e_{name}{suffix} as gen.c_{name}{suffix};
                 create type gen.n_{name}{suffix} as (c gen.c_{name}{suffix}, cs gen.e_{name}{suffix}[], d gen.d_{name}{suffix});"
            )
        };
        // The same types with text where int8 and numeric were: what numbers => 'text' is to give.
        let mirror = match self.numbers {
            Numbers::Json => String::new(),
            Numbers::Text => format!(
                "{} create type gen.m_{name} as (id text, {});",
                types("text", "_m"),
                columns("text", "_m")
            ),
        };
        format!(
            r#"create function gen.v_{name}() returns {decl} volatile language plpgsql as $make$ {body} $make$;
            create function gen.a_{name}() returns {decl}[] volatile language plpgsql as $make$
            declare
                r {decl}[];
            begin
                case gen.n(1, 6)
                    when 1 then return '{{}}';
                    when 2 then r := array_fill(null::{decl}, array[gen.n(1, 3)::int], array[gen.n(-2, 3)::int]);
                    when 3 then r := array_fill(null::{decl}, array[gen.n(1, 3)::int, gen.n(1, 3)::int], array[gen.n(-2, 3)::int, 1]);
                    when 4 then r := array_fill(null::{decl}, array[2, 1, gen.n(1, 2)::int]);
                    else r := array_fill(null::{decl}, array[gen.n(1, 4)::int]);
                end case;
                for i in array_lower(r, 1)..array_upper(r, 1) loop
                    if array_ndims(r) = 1 then
                        if random() < 0.8 then r[i] := gen.v_{name}(); end if;
                    else
                        for j in array_lower(r, 2)..array_upper(r, 2) loop
                            if array_ndims(r) = 2 then
                                if random() < 0.8 then r[i][j] := gen.v_{name}(); end if;
                            else
                                r[i][j][1] := gen.v_{name}();
                            end if;
                        end loop;
                    end if;
                end loop;
                return r;
            end $make$;
            {types}
            create function gen.c_{name}() returns gen.c_{name} volatile language plpgsql as $make$
            begin
                return row(nullif(gen.n(-9, 9)::int, 0), case when random() < 0.8 then gen.v_{name}() end,
                    case when random() < 0.5 then gen.a_{name}() end, nullif(gen.text(), ''))::gen.c_{name};
            end $make$;
            {mirror}
            create table public.src_{name} (id int8 primary key, {columns});
            insert into public.src_{name}
            select id, case when random() < 0.95 then gen.v_{name}() end, {a}, {d}, {c}, {ca}, {nn}, {da}, {dc}
            from generate_series(1, {rows}) id;
            create table public.t_{name} (id int8 primary key, junk text, {columns});
            alter table public.t_{name} drop column junk;
            create trigger "00_realtime_sync_insert" after insert on public.t_{name}
                for each row execute function realtime_sync.capture('{options}');
            create trigger "00_realtime_sync_update" after update on public.t_{name}
                for each row execute function realtime_sync.capture('{options}');
            create trigger "00_realtime_sync_update_slim" after update on public.t_{name}
                for each row when (new.id % 4 = 0) execute function realtime_sync.capture('{slim}');
            create trigger "00_realtime_sync_delete" after delete on public.t_{name}
                for each row execute function realtime_sync.capture('{options}');"#,
            types = types(decl, ""),
            columns = columns(decl, ""),
            rows = self.rows,
            a = some(&format!("gen.a_{name}()")),
            d = some(&format!("gen.v_{name}()")),
            c = some(&format!("gen.c_{name}()")),
            ca = some(&format!(
                "case when random() < 0.3 then array[[gen.c_{name}(), null], [null, gen.c_{name}()]] else array[gen.c_{name}(), null, gen.c_{name}()] end"
            )),
            nn = some(&format!(
                "row(gen.c_{name}(), array[gen.c_{name}(), null]::gen.e_{name}[], gen.v_{name}())::gen.n_{name}"
            )),
            da = some(&format!(
                "array[gen.v_{name}(), null, gen.v_{name}()]::gen.d_{name}[]"
            )),
            dc = some(&format!("gen.c_{name}()")),
        )
    }

    fn options(&self, options: &str) -> String {
        match self.numbers {
            Numbers::Json => format!("{{{options}}}"),
            Numbers::Text => format!("{{{options},\"numbers\":\"text\"}}"),
        }
    }

    /// Each column has another row's value in half of the rows.
    fn update(&self, part: u64) -> String {
        let name = &self.name;
        let sets: Vec<_> = COLUMNS
            .iter()
            .enumerate()
            .skip(1)
            .map(|(n, column)| {
                format!(
                    "{column} = case when (t.id >> {}) % 2 = 0 then s.{column} else t.{column} end",
                    n % 5
                )
            })
            .collect();
        format!(
            "update public.t_{name} t set {} from public.src_{name} s where s.id = (t.id * 7) % {} + 1 and t.id % {PARTS} = {part}",
            sets.join(", "),
            self.rows
        )
    }

    /// The columns of a row as events are to show them.
    fn shown(&self, row: &str) -> String {
        match self.numbers {
            Numbers::Json => format!("select ({row}).*"),
            Numbers::Text => format!("select (({row}::text)::gen.m_{}).*", self.name),
        }
    }

    /// The topics of a row: {v} is the value's text, and null leaves the topic out.
    fn topics(&self, row: &str) -> String {
        let text = if self.type_.is_json {
            // 'null' too is a JSON value's text.
            format!(
                "case when num_nulls({row}.v) = 0 then (select substr(row_to_json(x)::text, 6, length(row_to_json(x)::text) - 6) from (select {row}.v) x) end"
            )
        } else {
            format!("(select row_to_json(x)->>'v' from (select {row}.v) x)")
        };
        format!(
            "(select array_remove(array['all', 'v:' || text, 't_{}/' || {row}.id || ':' || text], null) from (select {text} as text offset 0) y)",
            self.name
        )
    }

    fn inserted(&self) -> String {
        format!(
            "select 'INSERT' as type, 'INSERT' as event, s.id, row_to_json(m)::text as new, null as old, null as changed,
                row_to_json(k)::text as key, {} as topics
             from public.src_{} s cross join lateral ({}) m cross join lateral (select m.id, m.v) k",
            self.topics("m"),
            self.name,
            self.shown("s")
        )
    }

    fn deleted(&self) -> String {
        format!(
            "select 'DELETE' as type, 'DELETE' as event, s.id, null as new, row_to_json(m)::text as old, null as changed,
                row_to_json(k)::text as key, {} as topics
             from public.gone_{} s cross join lateral ({}) m cross join lateral (select m.id, m.v) k",
            self.topics("m"),
            self.name,
            self.shown("s")
        )
    }

    fn updated(&self) -> String {
        let name = &self.name;
        let late = (self.numbers == Numbers::Json).then_some("late");
        let columns = || COLUMNS.iter().copied().chain(late);
        let flags: Vec<_> = columns()
            .enumerate()
            .map(|(n, c)| format!("row(o.{c})::record *<> row(n.{c})::record as f{n}"))
            .collect();
        let changed: Vec<_> = columns()
            .enumerate()
            .map(|(n, c)| {
                let label = c.trim_matches('"').replace("\"\"", "\"");
                format!("case when f{n} then '{label}' end")
            })
            .collect();
        let pieces = |row: &str| {
            let pieces: Vec<_> = columns()
                .enumerate()
                .map(|(n, c)| {
                    let piece = format!("(select substr(row_to_json(x)::text, 2, length(row_to_json(x)::text) - 2) from (select {row}.{c}) x)");
                    if n == 0 {
                        piece
                    } else {
                        format!("case when f{n} then {piece} end")
                    }
                })
                .collect();
            format!("'{{' || concat_ws(',', {}) || '}}'", pieces.join(", "))
        };
        format!(
            "select e.* from (
                select n.id, row_to_json(mn)::text as new, row_to_json(mo)::text as old,
                    array_to_json(array_remove(array[{changed}], null))::text as changed,
                    row_to_json(kn)::text as key, row_to_json(ko)::text as old_key,
                    {topics} as topics, {old_topics} as old_topics,
                    case when n.id % 4 = 0 then {slim_new} end as slim_new, case when n.id % 4 = 0 then {slim_old} end as slim_old
                from public.src_{name} o join public.t_{name} n on n.id = o.id
                cross join lateral (select {flags}) f
                cross join lateral ({shown_old}) mo cross join lateral ({shown_new}) mn
                cross join lateral (select mn.id, mn.v) kn cross join lateral (select mo.id, mo.v) ko
                offset 0
             ) r
             cross join lateral (select array_agg(topic order by n) as topics from unnest(old_topics) with ordinality x (topic, n) where not topic = any (r.topics)) l
             cross join lateral (values
                ('UPDATE', 'UPDATE', r.id, new, old, changed, key, r.topics),
                ('UPDATE', 'slim', r.id, slim_new, slim_old, changed, '{{\"id\":' || (new::json->'id')::text || '}}', array['slim']),
                ('LEAVE', 'LEAVE', r.id, null, null, null, old_key, l.topics)
             ) e (type, event, id, new, old, changed, key, topics)
             where e.event = 'UPDATE' or (e.event = 'slim' and r.id % 4 = 0) or (e.event = 'LEAVE' and l.topics is not null)",
            changed = changed.join(", "),
            flags = flags.join(", "),
            topics = self.topics("mn"),
            old_topics = self.topics("mo"),
            slim_new = pieces("mn"),
            slim_old = pieces("mo"),
            shown_old = self.shown("o"),
            shown_new = self.shown("n"),
        )
    }

    /// Compares all events in the log with the expected ones, and empties it.
    fn differences(
        &self,
        reader: &mut Client,
        what: &str,
        expected: &str,
    ) -> Result<Vec<String>, String> {
        let bytes = |text: &str| format!("convert_to({text}, getdatabaseencoding())");
        let sql = format!(
            "with expected as materialized ({expected}),
             got as materialized (
                select b.type, b.event, (b.key->>'id')::int8 as id, b.new::text, b.old::text, b.changed::text, b.key::text,
                    e.topics, array_to_json(e.topics)::text as topics_text, b.topics::text as body_topics, b.partial
                from realtime_sync.event e
                cross join lateral json_to_record(body) as b (type text, event text, new json, old json, changed json, key json, topics json, partial bool)
             )
             select coalesce(x.id, g.id), coalesce(x.event, g.event), field, {want}, {have}, count(*) over ()
             from expected x full join got g on g.id = x.id and g.event = x.event
             cross join lateral (values
                ('type', x.type, g.type), ('new', x.new, g.new), ('old', x.old, g.old), ('changed', x.changed, g.changed), ('key', x.key, g.key),
                ('topics', array_to_json(x.topics)::text, g.topics_text), ('topics in body', array_to_json(x.topics)::text, g.body_topics),
                ('partial', 'false', g.partial::text)
             ) f (field, want, have)
             where want is distinct from have
             limit 4",
            want = bytes("want"),
            have = bytes("have")
        );
        let rows = reader
            .query(&sql, &[])
            .map_err(|error| format!("{what}: {error:?}"))?;
        let problems = rows
            .iter()
            .map(|row| {
                let (id, event, field): (i64, String, String) = (row.get(0), row.get(1), row.get(2));
                let (want, have): (Option<Vec<u8>>, Option<Vec<u8>>) = (row.get(3), row.get(4));
                let all: i64 = row.get(5);
                format!(
                    "{event} of id {id}, {field} (one of {all} differences)\n  PostgreSQL: {}\n  the event:  {}",
                    near(want.as_deref(), have.as_deref()),
                    near(have.as_deref(), want.as_deref())
                )
            })
            .collect();
        run(reader, "truncate realtime_sync.event")?;
        Ok(problems)
    }
}

/// The text around the place where it differs from the other.
fn near(text: Option<&[u8]>, other: Option<&[u8]>) -> String {
    let Some(text) = text else {
        return "(none)".to_string();
    };
    let other = other.unwrap_or_default();
    let at = text.iter().zip(other).take_while(|(a, b)| a == b).count();
    let (from, to) = (at.saturating_sub(60), (at + 80).min(text.len()));
    format!("byte {at} ...{}", text[from..to].escape_ascii())
}

fn run(client: &mut Client, sql: &str) -> Result<(), String> {
    client
        .batch_execute(sql)
        .map_err(|error| format!("{error:?}\n{}", sql.chars().take(300).collect::<String>()))
}
