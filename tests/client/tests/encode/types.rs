//! Every type, and an SQL expression for a random value of it.

pub struct Type {
    /// Part of its table's name.
    pub name: &'static str,
    pub decl: &'static str,
    pub value: Value,
    /// A topic has its JSON text as it is, not what ->> makes of it.
    pub is_json: bool,
}

impl Type {
    pub fn is_huge(&self) -> bool {
        self.name.starts_with("huge")
    }
}

pub enum Value {
    Expression(&'static str),
    /// A range made by this constructor of two values of the subtype.
    Range(&'static str),
    /// A multirange of up to three ranges of the type.
    Multirange(&'static str),
}

const fn is(name: &'static str, decl: &'static str, expression: &'static str) -> Type {
    Type {
        name,
        decl,
        value: Value::Expression(expression),
        is_json: false,
    }
}

const fn json(name: &'static str, decl: &'static str, expression: &'static str) -> Type {
    Type {
        is_json: true,
        ..is(name, decl, expression)
    }
}

const fn range(name: &'static str, decl: &'static str, subtype: &'static str) -> Type {
    Type {
        value: Value::Range(subtype),
        ..is(name, decl, "")
    }
}

const fn multirange(name: &'static str, decl: &'static str, range: &'static str) -> Type {
    Type {
        value: Value::Multirange(range),
        ..is(name, decl, "")
    }
}

macro_rules! known {
    ($catalog:literal) => {
        concat!("gen.oid(array(select oid from pg_catalog.", $catalog, "))")
    };
}

pub const TYPES: &[Type] = &[
    is("bool", "bool", "random() < 0.5"),
    is("int2", "int2", "gen.n(-32768, 32767)"),
    is("int4", "int4", "gen.n(-2147483648, 2147483647)"),
    is("int8", "int8", "gen.int8()"),
    is("float4", "float4", "gen.float4()"),
    is("float8", "float8", "gen.float8()"),
    is("numeric", "numeric", "gen.numeric()"),
    is(
        "numeric_scaled",
        "numeric(20,5)",
        "gen.n(-100000000, 100000000) / 1000.0",
    ),
    is(
        "numeric_rounded",
        "numeric(8,-3)",
        "gen.n(-1000000000, 1000000000)",
    ),
    is("money", "money", "(gen.int8() / 100)::money"),
    is("text", "text", "gen.text()"),
    is("varchar", "varchar(40)", "left(gen.text(), 40)"),
    is("bpchar", "char(9)", "left(gen.text(), 9)"),
    is("bpchar_long", "bpchar", "gen.text()"),
    is("name", "name", "gen.text()"),
    is("char", r#""char""#, "chr(gen.n(1, 127)::int)"),
    is("refcursor", "refcursor", "gen.text()"),
    is("bytea", "bytea", "gen.bytes(gen.n(0, 20))"),
    is("uuid", "uuid", "md5(random()::text)"),
    is("date", "date", "gen.date()"),
    is("time", "time", "gen.time()"),
    is("time_short", "time(2)", "gen.time()"),
    is(
        "timetz",
        "timetz",
        "gen.time()::text || gen.pick('+00', '-03:30', '+15:59:59', '-15:59', '+05:45')",
    ),
    is("timestamp", "timestamp", "gen.timestamp()"),
    is(
        "timestamp_short",
        "timestamp(3)",
        "'2020-01-01'::timestamp + make_interval(secs => random() * 1e8)",
    ),
    is(
        "timestamptz",
        "timestamptz",
        "gen.timestamp() at time zone 'UTC'",
    ),
    is("interval", "interval", "gen.interval()"),
    is(
        "interval_days",
        "interval day to second(2)",
        "make_interval(days => gen.n(-99, 99)::int, secs => random() * 1e5)",
    ),
    is("bit", "bit(13)", "gen.bits(13)::bit(13)"),
    is("varbit", "varbit(70)", "gen.bits(gen.n(0, 70))::varbit"),
    is("inet", "inet", "gen.inet()"),
    is("cidr", "cidr", "network(gen.inet())"),
    is("macaddr", "macaddr", "encode(gen.bytes(6), 'hex')"),
    is("macaddr8", "macaddr8", "encode(gen.bytes(8), 'hex')"),
    is("point", "point", "gen.point()"),
    is(
        "line",
        "line",
        "format('{%s,%s,%s}', gen.n(1, 99), gen.float8(), gen.float8())",
    ),
    is("lseg", "lseg", "lseg(gen.point(), gen.point())"),
    is("box", "box", "box(gen.point(), gen.point())"),
    is(
        "path",
        "path",
        "format(gen.pick('[%s,%s]', '(%s,%s)'), gen.point(), gen.point())",
    ),
    is(
        "polygon",
        "polygon",
        "format('(%s,%s,%s)', gen.point(), gen.point(), gen.point())",
    ),
    is(
        "circle",
        "circle",
        "circle(gen.point(), abs(gen.n(0, 9999)) / 7.0)",
    ),
    json(
        "json",
        "json",
        "gen.space() || gen.json(3, false) || gen.space()",
    ),
    json("jsonb", "jsonb", "gen.jsonb()"),
    is("jsonpath", "jsonpath", "gen.jsonpath()"),
    is("xml", "xml", "gen.xml()"),
    is("tsvector", "tsvector", "gen.tsvector()"),
    is("tsquery", "tsquery", "gen.tsquery()"),
    is("oid", "oid", "gen.n(0, 4294967295)"),
    is("xid", "xid", "gen.n(0, 4294967295)::text"),
    is("xid8", "xid8", "(gen.int8() & 9223372036854775807)::text"),
    is("cid", "cid", "gen.n(0, 4294967295)::text"),
    is(
        "tid",
        "tid",
        "format('(%s,%s)', gen.n(0, 4294967295), gen.n(0, 65535))",
    ),
    is(
        "pg_lsn",
        "pg_lsn",
        "to_hex(gen.n(0, 4294967295)) || '/' || to_hex(gen.n(0, 4294967295))",
    ),
    is(
        "pg_snapshot",
        "pg_snapshot",
        "gen.pick('10:20:', '10:20:10,14,15', '1:1:', '9000000000:9000000009:9000000001')",
    ),
    is(
        "txid_snapshot",
        "txid_snapshot",
        "gen.pick('10:20:', '10:20:10,14,15', '1:1:')",
    ),
    is(
        "int2vector",
        "int2vector",
        "gen.pick('', '1', '-1 2 32767')",
    ),
    is(
        "oidvector",
        "oidvector",
        "gen.pick('', '0', '1 2 4294967295')",
    ),
    is(
        "aclitem",
        "aclitem",
        "gen.pick('postgres=arwdDxt/postgres', '=r/postgres', 'postgres=U*/postgres')",
    ),
    is(
        "regclass",
        "regclass",
        known!("pg_class where relpersistence = 'p' and relnamespace <> 99"),
    ),
    is("regproc", "regproc", known!("pg_proc")),
    is("regprocedure", "regprocedure", known!("pg_proc")),
    is("regoper", "regoper", known!("pg_operator")),
    is("regoperator", "regoperator", known!("pg_operator")),
    is("regtype", "regtype", known!("pg_type")),
    is("regrole", "regrole", known!("pg_authid")),
    is("regnamespace", "regnamespace", known!("pg_namespace")),
    is("regcollation", "regcollation", known!("pg_collation")),
    is("regconfig", "regconfig", known!("pg_ts_config")),
    is("regdictionary", "regdictionary", known!("pg_ts_dict")),
    range("int4range", "int4range", "gen.n(-1000, 1000)::int4"),
    range("int8range", "int8range", "gen.int8() / 2"),
    range("numrange", "numrange", "gen.numeric()"),
    range(
        "daterange",
        "daterange",
        "(date '2000-01-01' + gen.n(-900000, 900000)::int)",
    ),
    range("tsrange", "tsrange", "gen.timestamp()"),
    range(
        "tstzrange",
        "tstzrange",
        "gen.timestamp() at time zone 'UTC'",
    ),
    multirange("int4multirange", "int4multirange", "int4range"),
    multirange("int8multirange", "int8multirange", "int8range"),
    multirange("nummultirange", "nummultirange", "numrange"),
    multirange("datemultirange", "datemultirange", "daterange"),
    multirange("tsmultirange", "tsmultirange", "tsrange"),
    multirange("tstzmultirange", "tstzmultirange", "tstzrange"),
    // The user's own.
    is("mood", "gen.mood", "gen.mood()"),
    is(
        "pair",
        "gen.pair",
        "row(gen.int8(), gen.numeric(), gen.mood(), array[gen.timestamp() at time zone 'UTC'])",
    ),
    is(
        "place",
        "gen.place",
        "row(gen.float4(), gen.timestamp(), array[1, null, 3])",
    ),
    range("textrange", "gen.textrange", "gen.text()"),
    range("floatrange", "gen.floatrange", "gen.float8()"),
    range("timerange", "gen.timerange", "gen.time()"),
    range("intervalrange", "gen.intervalrange", "gen.interval()"),
    range("moneyrange", "gen.moneyrange", "(gen.int8() / 100)::money"),
    range("bytearange", "gen.bytearange", "gen.bytes(gen.n(0, 9))"),
    range("moodrange", "gen.moodrange", "gen.mood()"),
    range(
        "arrayrange",
        "gen.arrayrange",
        "array[date '2000-01-01' + gen.n(-900, 900)::int]",
    ),
    range(
        "dayrange",
        "gen.dayrange",
        "(date '2000-01-01' + gen.n(-900, 900)::int)::gen.day",
    ),
    range(
        "pairrange",
        "gen.pairrange",
        "row(1, 2.50, 'sad', array[gen.timestamp() at time zone 'UTC'])::gen.pair",
    ),
    multirange("textmultirange", "gen.textmultirange", "textrange"),
    multirange("floatmultirange", "gen.floatmultirange", "floatrange"),
    is("label", "gen.label", "gen.text()::cstring::text"),
    json("told", "gen.told", "gen.text()"),
    json("shade", "gen.shade", "gen.pick('light', 'dark')"),
    is(
        "huge_text",
        "text",
        "case when random() < 0.5 then repeat(gen.text(), gen.n(1, 900)::int) else gen.digits(gen.n(1, 9000)) end",
    ),
    json(
        "huge_jsonb",
        "jsonb",
        "jsonb_build_object('a', repeat(gen.text(), gen.n(1, 300)::int), 'b', gen.digits(gen.n(1, 4000)), 'c', gen.jsonb())",
    ),
    is(
        "huge_numeric",
        "numeric",
        "(gen.digits(gen.n(1, 6000)) || '.' || gen.digits(gen.n(0, 3000)))::numeric",
    ),
];

/// Types of extensions, tested where they are installed.
pub const EXTENSIONS: &[(&str, Type)] = &[
    ("citext", is("citext", "public.citext", "gen.text()")),
    (
        "hstore",
        json(
            "hstore",
            "public.hstore",
            "public.hstore(array['a', gen.text() || 'x', 'n'], array[gen.text(), gen.text(), null])",
        ),
    ),
    (
        "ltree",
        is("ltree", "public.ltree", "gen.pick('', 'a', 'a.b_c.d1')"),
    ),
    (
        "cube",
        is(
            "cube",
            "public.cube",
            "format('(%s,%s),(%s,%s)', gen.n(-9, 9), random(), random() * 1e9, gen.n(-9, 9))",
        ),
    ),
    (
        "isn",
        is(
            "isn",
            "public.ean13",
            "gen.pick('978-0-393-04002-9', '9780306406157')",
        ),
    ),
    (
        "seg",
        is(
            "seg",
            "public.seg",
            "gen.pick('5.0', '1.5 .. 2.50', '~3.0', '> 4e10')",
        ),
    ),
    (
        "intarray",
        is("query_int", "public.query_int", "gen.pick('1', '1&(2|!3)')"),
    ),
    (
        "postgis",
        json(
            "geometry",
            "public.geometry",
            "format('SRID=4326;POINT(%s %s)', gen.n(-180, 180), random() * 90)",
        ),
    ),
    (
        "postgis",
        is(
            "geography",
            "public.geography",
            "format('POINT(%s %s)', gen.n(-180, 180), random() * 90)",
        ),
    ),
];
