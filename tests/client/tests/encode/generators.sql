-- Random values by random(), so that setseed() repeats them. What is drawn often comes from a pool.
create schema gen;
create schema "Odd ""schema";
create table "Odd ""schema"."Odd, table" (id int);
create function "Odd ""schema"."odd function"(int, text) returns int language sql as 'select 1';
create collation "Odd ""schema"."Odd collation" (provider = libc, locale = 'C');
create text search configuration "Odd ""schema"."odd config" (copy = pg_catalog.simple);

create function gen.n(low int8, high int8) returns int8 volatile language sql
as 'select low + floor(random() * (high - low + 1))::int8';

create function gen.pick(variadic list text[]) returns text volatile language sql
as 'select list[1 + floor(random() * cardinality(list))::int]';

create function gen.wide() returns text volatile language plpgsql as $$
begin
    if pg_catalog.getdatabaseencoding() <> 'UTF8' then
        return chr(gen.n(128, 255)::int);
    end if;
    case gen.n(1, 6)
        when 1 then return chr(gen.n(128, 2047)::int);
        when 2 then return chr(gen.n(2048, 55295)::int);
        when 3 then return chr(gen.n(57344, 65535)::int);
        when 4 then return chr(gen.n(8232, 8233)::int);
        when 5 then return chr(65279);
        else return chr(gen.n(65536, 1114111)::int);
    end case;
end $$;

create function gen.letter() returns text volatile language plpgsql as $$
begin
    case gen.n(1, 12)
        when 1 then return chr(gen.n(1, 31)::int);
        when 2 then return chr(gen.n(8, 13)::int);
        when 3 then return gen.pick('"', '\', '''', '/', chr(127));
        when 4 then return gen.pick('{', '}', ',', '(', ')', '<', '&', '>', ' ', ':', '[', ']', '%', 'NULL');
        when 5, 6 then return gen.wide();
        else return chr(gen.n(32, 126)::int);
    end case;
end $$;

create table gen.pool (i int primary key, v text not null);
create table gen.bits (i int primary key, f4 float4, f8 float8);

create function gen.fill() returns void language plpgsql as $$
declare
    text text;
begin
    for i in 0..999 loop
        text := '';
        for n in 1..(case when i % 10 = 0 then 0 when i % 97 = 0 then 300 else gen.n(1, 12) end) loop
            text := text || gen.letter();
        end loop;
        insert into gen.pool values (i, text);
    end loop;
    insert into gen.pool
    select 1000 + row_number() over (), v
    from unnest(array['null', 'NULL', 'true', '"', '\', '\\', '\u0041', '{}', '[]', '  ', ' x ', E'\t', E'\n', E'\r\n', E'\x01', '''', '</script>', '1e5', '-0']) v;
end $$;

create function gen.text() returns text volatile language plpgsql as $$
declare
    key int := gen.n(0, 1018);
begin
    return coalesce((select v from gen.pool where i = key), '');
end $$;

create function gen.float8() returns float8 volatile language plpgsql as $$
declare
    key int := gen.n(0, 1999);
begin
    case gen.n(1, 4)
        when 1 then return (select f8 from gen.bits where i = key);
        when 2 then return gen.pick('0', '-0', 'NaN', 'Infinity', '-Infinity', '5e-324', '2.2250738585072014e-308', '1.7976931348623157e308',
            '9007199254740993', '1e15', '1e14', '123456789012345', '1234567890123456', '0.0001', '0.00001', '1e-5', '0.1', '1e22', '1e23')::float8;
        when 3 then return (gen.n(-99999, 99999)::text || 'e' || gen.n(-25, 25))::float8;
        else return (random() - 0.5) * 10 ^ gen.n(-10, 20);
    end case;
end $$;

create function gen.float4() returns float4 volatile language plpgsql as $$
declare
    key int := gen.n(0, 1999);
begin
    case gen.n(1, 3)
        when 1 then return (select f4 from gen.bits where i = key);
        when 2 then return gen.pick('0', '-0', 'NaN', 'Infinity', '-Infinity', '1e-45', '1.1754944e-38', '3.4028235e38', '16777217',
            '1e6', '123456', '1234567', '0.0001', '0.00001', '0.1', '1e10')::float4;
        else return (gen.n(-99999, 99999)::text || 'e' || gen.n(-20, 20))::float4;
    end case;
end $$;

create function gen.digits(n int8) returns text volatile language plpgsql as $$
declare
    text text := '';
begin
    while length(text) < n loop
        text := text || case when random() < 0.2 then '0000' when random() < 0.1 then '9999' else gen.n(0, 999999999)::text end;
    end loop;
    return left(text, n::int);
end $$;

create function gen.numeric() returns numeric volatile language plpgsql as $$
declare
    sign text := case when random() < 0.4 then '-' else '' end;
begin
    case gen.n(1, 7)
        when 1 then return gen.pick('NaN', 'Infinity', '-Infinity', '0', '0.0', '0.000000', '1', '10000', '9999', '0.0001', '0.00010000', '100000000');
        when 2 then return (sign || gen.n(0, 1000000) || '.' || gen.digits(gen.n(0, 6)))::numeric;
        when 3 then return (sign || gen.digits(gen.n(1, 60)) || '.' || gen.digits(gen.n(0, 60)))::numeric;
        when 4 then return (sign || gen.n(0, 99999) || 'e' || gen.n(-150, 150))::numeric;
        when 5 then return ('0.' || repeat('0', gen.n(0, 70)::int) || gen.n(0, 9999))::numeric;
        when 6 then return round((sign || gen.digits(gen.n(1, 12)))::numeric, gen.n(0, 40)::int);
        else
            if random() < 0.02 then
                return (sign || gen.n(1, 99) || 'e' || gen.n(-16000, 16000))::numeric;
            end if;
            return (sign || gen.digits(gen.n(1, 20)) || repeat('0', gen.n(0, 40)::int))::numeric;
    end case;
end $$;

create function gen.int8() returns int8 volatile language plpgsql as $$
begin
    if random() < 0.1 then
        return gen.pick('0', '-1', '9223372036854775807', '-9223372036854775808', '9007199254740993', '10000', '99999')::int8;
    end if;
    return ((gen.n(-2147483648, 2147483647) << 32) | gen.n(0, 4294967295)) >> gen.n(0, 63)::int;
end $$;

create function gen.date() returns date volatile language plpgsql as $$
begin
    case gen.n(1, 4)
        when 1 then return gen.pick('infinity', '-infinity', '4713-11-24 BC', '0001-12-31 BC', '0001-01-01', '5874897-12-31', '2000-02-29', '1900-02-28', '9999-12-31', '10000-01-01')::date;
        when 2 then return date '2000-01-01' + gen.n(-2451545, 2145031947)::int;
        when 3 then return date '2000-01-01' + gen.n(-1000000, 1000000)::int;
        else return date '2000-01-01' + gen.n(-20000, 20000)::int;
    end case;
end $$;

create function gen.time() returns time volatile language plpgsql as $$
begin
    case gen.n(1, 4)
        when 1 then return gen.pick('24:00:00', '00:00', '23:59:59.999999', '00:00:00.000001', '12:34:56.7')::time;
        when 2 then return make_time(gen.n(0, 23)::int, gen.n(0, 59)::int, gen.n(0, 59)::int);
        else return time '00:00' + make_interval(secs => gen.n(0, 86399)) + make_interval(secs => gen.n(0, 999999) / 1e6);
    end case;
end $$;

create function gen.timestamp() returns timestamp volatile language plpgsql as $$
begin
    case gen.n(1, 4)
        when 1 then return gen.pick('infinity', '-infinity', '4713-11-24 00:00:00 BC', '0001-12-31 23:59:59.999999 BC', '294276-12-31 23:59:59.999999',
            '1999-12-31 23:59:59.999999', '1969-12-31 23:59:59.5', '2000-01-01 00:00:00', '9999-12-31 23:59:59', '10000-01-01 00:00:00.1')::timestamp;
        when 2 then return date '2000-01-01' + gen.n(-2451544, 106751980)::int + gen.time();
        when 3 then return date '2000-01-01' + gen.n(-1000000, 1000000)::int + gen.time();
        else return date '2000-01-01' + gen.n(-20000, 20000)::int + gen.time();
    end case;
end $$;

create function gen.interval() returns interval volatile language plpgsql as $$
begin
    case gen.n(1, 4)
        when 1 then return gen.pick('0', '-1 second', '1 year -1 day', '-1 month 1 day', '00:00:00.000001', '-00:00:00.5', '178000000 years', '-178000000 years',
            '2147483647 days', '-2147483648 days', '1 mon -1 day 1 second', '-1 mons +1 day -00:00:01')::interval;
        when 2 then return make_interval(months => gen.n(-2147483648, 2147483647)::int, days => gen.n(-2147483648, 2147483647)::int)
            + make_interval(secs => gen.n(-9000000000, 9000000000) + gen.n(-999999, 999999) / 1e6);
        when 3 then return make_interval(secs => gen.n(-100000, 100000) + gen.n(-999999, 999999) / 1e6);
        else return make_interval(months => gen.n(-30, 30)::int, days => gen.n(-40, 40)::int, secs => gen.n(-4000, 4000));
    end case;
end $$;

create function gen.space() returns text volatile language sql
as $$select gen.pick('', '', '', ' ', '  ', E'\n', E'\t', E'\r\n ')$$;

-- strict: what jsonb takes in any encoding.
create function gen.json(depth int, strict bool) returns text volatile language plpgsql as $$
declare
    text text := '';
    item text;
begin
    case gen.n(1, case when depth <= 0 then 5 else 9 end)
        when 1 then return gen.pick('null', 'true', 'false');
        when 2 then
            if strict then
                return gen.pick(gen.numeric()::text, gen.n(-1000, 1000)::text, gen.int8()::text);
            end if;
            return gen.pick('0', '-0', '1.50', '1E400', '-1.0e+5', '12345678901234567890123', gen.n(-1000, 1000)::text);
        when 3, 4 then return to_json(gen.text())::text;
        when 5 then
            if strict then return '""'; end if;
            return gen.pick('"\u0041"', '"\/"', '"\u007f\u0001"', '"\b\f\n\r\t"', '""');
        when 6, 7 then
            for i in 1..gen.n(0, 4) loop
                item := gen.space() || gen.json(depth - 1, strict) || gen.space();
                text := text || case when i > 1 then ',' else '' end || item;
            end loop;
            return '[' || gen.space() || text || ']';
        else
            for i in 1..gen.n(0, 4) loop
                item := gen.space() || to_json(gen.pick('a', 'b', '', gen.text()))::text || gen.space() || ':' || gen.space() || gen.json(depth - 1, strict);
                text := text || case when i > 1 then ',' else '' end || item;
            end loop;
            return '{' || gen.space() || text || gen.space() || '}';
    end case;
end $$;

create function gen.jsonb() returns jsonb volatile language plpgsql as $$
declare
    n int;
begin
    if random() < 0.02 then
        n := gen.n(60, 140);
        return (repeat('[', n) || n || repeat(']', n))::jsonb;
    elsif random() < 0.02 then
        n := gen.n(60, 140);
        return (repeat('{"a": ', n) || '[]' || repeat('}', n))::jsonb;
    elsif random() < 0.02 then
        return (select jsonb_object_agg(gen.text() || i, i) from generate_series(1, gen.n(30, 300)) i);
    elsif random() < 0.02 then
        return (select jsonb_agg(gen.text() || i) from generate_series(1, gen.n(30, 300)) i);
    end if;
    -- NaN and the infinities are no JSON numbers.
    return regexp_replace(gen.json(3, true), '(^|[^"\w])-?(NaN|Infinity)', '\10', 'g')::jsonb;
exception when invalid_text_representation or untranslatable_character or invalid_parameter_value then
    return to_jsonb(gen.text());
end $$;

create function gen.xml() returns xml volatile language plpgsql as $$
declare
    inner_text text := case when pg_catalog.getdatabaseencoding() = 'SQL_ASCII' then 'plain' else 'é' end;
begin
    return xmlparse(content gen.pick(
        '', 'text only', '<a/>', '<a b="c&quot;d">' || inner_text || '</a>', '<?xml version="1.0"?><a/>', '<?xml version="1.1" standalone="yes"?><a/>',
        '<?xml version="1.0" encoding="UTF-8"?>' || E'\n' || '<a>x</a>', '<a><![CDATA[<&>]]></a>', '<!-- c --><b/>', '<a>' || gen.n(0, 99) || '</a>tail', E'  <a\n/>\t'));
end $$;

create function gen.tsvector() returns tsvector volatile language plpgsql as $$
begin
    if random() < 0.1 then
        return '';
    end if;
    return setweight(array_to_tsvector(array[gen.text() || 'x', 'a''b', 'c\d']), gen.pick('A', 'B', 'C', 'D')::"char")
        || to_tsvector('simple', gen.pick('the cat sat', 'on on on the mat', 'http://x.y/z?a=1 a@b.c', '1.5e7 -3 v1.2'));
end $$;

create function gen.tsquery() returns tsquery volatile language sql
as $$select gen.pick('', 'a', 'a & b', '!a | (b & !c)', '''a b'' & ''c\d''', '''it''''s'':*AB', 'a <-> b', 'a <3> (b | c)', '!!a', 'x:CD')::tsquery$$;

create function gen.jsonpath() returns jsonpath volatile language plpgsql as $$
begin
    return gen.pick('$', 'strict $', 'lax $.a', '$[*]', '$.a[0 to last].b', '$.**{2 to 5}.x', '$ ? (@.a > 1 && @.b == "x\ty")', '$.size()', '-$.a + 2.50',
        '$ ? (@ like_regex "^a.*" flag "i")', '$ ? (exists (@.x))', '$."a b\"c"', '$.a.datetime("HH24:MI")', '$ ? (@ starts with "q")',
        '$.' || to_json(translate(gen.text(), E'\x0b', ''))::text || ' == ' || gen.n(0, 9) || 'e' || gen.n(-9, 9))::jsonpath;
exception when others then
    return '$.x';
end $$;

create function gen.inet() returns inet volatile language plpgsql as $$
begin
    if random() < 0.5 then
        return format('%s.%s.%s.%s/%s', gen.n(0, 255), gen.n(0, 255), gen.n(0, 255), gen.n(0, 255), gen.n(0, 32))::inet;
    end if;
    return (case when random() < 0.2 then '::' || gen.pick('', '1', 'ffff:1.2.3.4')
        else format('%s:%s:0:0:%s:%s:%s:%s', to_hex(gen.n(0, 65535)), to_hex(gen.n(0, 65535)), to_hex(gen.n(0, 1)), to_hex(gen.n(0, 65535)), to_hex(gen.n(0, 65535)), to_hex(gen.n(0, 65535))) end
        || '/' || gen.n(0, 128))::inet;
end $$;

create function gen.bits(n int8) returns text volatile language sql
as $$select coalesce(string_agg(gen.n(0, 1)::text, ''), '') from generate_series(1, n)$$;

create function gen.bytes(n int8) returns bytea volatile language sql
as $$select coalesce(string_agg(decode(lpad(to_hex(gen.n(0, 255)), 2, '0'), 'hex'), ''), '') from generate_series(1, n)$$;

create function gen.point() returns point volatile language sql as 'select point(gen.float8(), gen.float8())';

-- An OID that exists, one that does not, or none.
create function gen.oid(known oid[]) returns oid volatile language sql
as $$select case when random() < 0.1 then gen.pick('0', '1', '4294967295', '99999999')::oid else known[1 + floor(random() * cardinality(known))::int] end$$;

create type gen.mood as enum ('sad', 'so so', 'it''s', 'quo"te', 'back\slash', 'é', '{x,y}', '', 'a very long label that fills all of the sixty-three bytes here');
create function gen.mood() returns gen.mood volatile language sql as
$$select (enum_range(null::gen.mood))[gen.n(1, 9)::int]$$;
create type gen.textrange as range (subtype = text, collation = "C");
create type gen.floatrange as range (subtype = float8, subtype_diff = float8mi);
create type gen.timerange as range (subtype = time);
create type gen.intervalrange as range (subtype = interval);
create type gen.moneyrange as range (subtype = money);
create type gen.bytearange as range (subtype = bytea);
create type gen.moodrange as range (subtype = gen.mood);
create type gen.arrayrange as range (subtype = date[]);
create domain gen.day as date;
create type gen.dayrange as range (subtype = gen.day);
create type gen.pair as (a int8, b numeric, c jsonb, "d ""d" gen.mood);
create type gen.pairrange as range (subtype = gen.pair);
alter type gen.pair drop attribute c;
alter type gen.pair add attribute e timestamptz[];
-- The row type of a table, as a column: with a dropped column.
create table gen.place (x float4, gone int, y timestamp, z int2[]);
alter table gen.place drop column gone;
-- Types of the user's own: with textin and textout, and with a cast to json.
create type gen.label;
create function gen.label_in(cstring) returns gen.label language internal immutable strict as 'textin';
create function gen.label_out(gen.label) returns cstring language internal immutable strict as 'textout';
create type gen.label (input = gen.label_in, output = gen.label_out, like = text);
create type gen.told;
create function gen.told_in(cstring) returns gen.told language internal immutable strict as 'textin';
create function gen.told_out(gen.told) returns cstring language internal immutable strict as 'textout';
create type gen.told (input = gen.told_in, output = gen.told_out, like = text);
create cast (gen.told as text) without function;
-- Its text depends on the settings of the session it runs in.
create function gen.told_json(gen.told) returns json language sql stable as
$$select pg_catalog.json_build_object('text', $1::text, 'float', 0.1::float8::text, 'at', '2020-01-01 00:00:00+00'::timestamptz::text, 'path', pg_catalog.current_setting('search_path'))$$;
create cast (gen.told as json) with function gen.told_json(gen.told);
create type gen.shade as enum ('light', 'dark');
create function gen.shade_json(gen.shade) returns json language plpgsql immutable as
$$begin return ('{ "shade" : "' || case when $1 = 'light' then 'l' else 'd' end || '" }')::json; end$$;
create cast (gen.shade as json) with function gen.shade_json(gen.shade);
