-- What PostgreSQL itself writes, for tests/golden.rs to compare with: the stored form of a value, a tab, and its JSON.
-- Made on PostgreSQL 15 (x86_64: the stored forms are little-endian) by a superuser, in this directory, in an empty database:
--     psql -X -q -d <database> -f make.sql
\set ON_ERROR_STOP on
\pset format unaligned
\pset tuples_only on
\pset fieldsep '\t'
set timezone = 'UTC';
set datestyle = 'ISO';
set extra_float_digits = 1;
set bytea_output = 'hex';
set client_min_messages = 'warning';
create extension if not exists pageinspect;
drop schema if exists golden cascade;
create schema golden;

-- The same "random" digits on any version: 60 bits of the md5 of a number and a name.
create function golden.bits(i int8, name text) returns int8 language sql immutable
return ('x' || substr(md5(i || name), 1, 15))::bit(60)::int8;

-- The stored bytes of column v of a table, without their varlena header, whose size is told by the lowest bit of the first byte.
create function golden.stored(tab regclass) returns table (at tid, payload bytea) language sql
as $$
    select format('(%s,%s)', block, item.lp)::tid,
           substr(item.t_attrs[1], case when get_byte(item.t_attrs[1], 0) & 1 = 1 then 2 else 5 end)
    from generate_series(0, pg_relation_size(tab) / 8192 - 1) as block,
         heap_page_item_attrs(get_raw_page(tab::text, block::int4), tab) as item
$$;

create table golden.n (v numeric);
alter table golden.n alter v set storage external;
insert into golden.n
select v::numeric from unnest(array['NaN', 'Infinity', '-Infinity', '0', '0.0', '0.00', '0.000000', '1', '-1', '10', '100', '1000', '9999',
    '10000', '10001', '99999999', '100000000', '9999999999999999', '1e20', '1e100', '-1e255', '1e256', '1e260', '1.5e300', '0.1', '-0.01', '0.001',
    '0.0001', '0.00001', '0.000000001', '1e-20', '-1e-63', '1e-64', '1.0e-70', '1e-300', '12.50', '99.99', '-0.5', '10.000', '1234.5678',
    '1234.56780', '1234.56789', '52.123456', '-179.9999999', '123456789.123456789', '100.00000000', '100.000000001', '0.00010000',
    '12345678901234567890.12345678901234567890', '3.00000000000000000000000000000000000000000000000000000000000000000000001']) as v;
insert into golden.n
select (case when golden.bits(i, 'sign') % 3 = 0 then -1 else 1 end
        * substr(abs(golden.bits(i, 'a'))::text || abs(golden.bits(i, 'b'))::text, 1, 1 + i % 30)::numeric
        * (case when i % 5 = 0 then 1 else 10 end)::numeric ^ (i % 11)
       )::numeric / 10::numeric ^ (golden.bits(i, 'scale') % 24)::int4
from generate_series(1, 300) as i;
insert into golden.n
select round(golden.bits(i, 'round') % (10::numeric ^ (1 + i % 17)) / (10::numeric ^ (i % 9)), i % 10)
       * case when i % 4 = 0 then -1 else 1 end
from generate_series(1, 700) as i;

create table golden.j (v jsonb);
-- Neither compressed nor put elsewhere.
alter table golden.j alter v set storage plain;
insert into golden.j
select v::jsonb from unnest(array['null', 'true', 'false', '0', '-1.50', '1e5', '12345678901234567890', '"text"', '""', '"\n\t\"\\\b\f\r\u0001\u001f\u007f\u00e9"',
    '[]', '{}', '[[]]', '[{}]', '{"":{}}', '{"a":[]}', '[null]', '[1]', '[true, false, null]', '["a","b"]', '[1,"a",2.5,null,[3],{"k":4}]',
    '{"a":1}', '{"a":null}', '{"b":2,"a":1,"aa":3}', '{"a":{"b":{"c":{"d":[1,[2,[3,[4]]]]}}}}', '{"\"":"\\","\n":"é","ключ":"значение 😀"}',
    '{"lat": 52.123456, "lng": 4.9, "speed": 12.5, "online": true, "name": "Jane Doe"}', '{"x":1.0,"y":1.00,"z":100,"w":0.00001}']) as v;
-- Every length of key and text moves what follows it to another alignment.
insert into golden.j
select jsonb_build_object(repeat('k', i), repeat('v', j), 'n', i * 1.25, 'o', jsonb_build_array(repeat('x', j), i, null, true), 'z', jsonb_build_object('q', j))
from generate_series(1, 5) as i, generate_series(0, 4) as j;
-- Beyond 32 children some entries hold offsets.
insert into golden.j select jsonb_agg(case i % 5 when 0 then to_jsonb(i) when 1 then to_jsonb(repeat('s', i % 7)) when 2 then 'null' when 3 then to_jsonb(i / 8.0) else '[1]' end)
from generate_series(1, 5) as k, generate_series(1, 31 + k) as i group by k;
insert into golden.j select jsonb_object_agg('key' || i, case i % 4 when 0 then to_jsonb(i) when 1 then to_jsonb('s' || i) when 2 then 'true' else '{"a": 0.5}' end)
from generate_series(0, 8) as k, generate_series(1, 14 + 3 * k) as i group by k;
insert into golden.j select (repeat('[', n) || '1' || repeat(']', n))::jsonb from unnest(array[10, 63, 64]) as n;
insert into golden.j
select jsonb_build_object(
    'id', i, 'title', md5(i::text), 'price', round(golden.bits(i, 'price') % 1000000 / 100.0, 2),
    'at', jsonb_build_array(golden.bits(i, 'lat') % 90000000 / 1e6, (golden.bits(i, 'lng') % 180000000 / 1e6)),
    'tags', to_jsonb(regexp_split_to_array(left(md5('tags' || i), 4 + i % 20), '[0-3]')), 'on', i % 2 = 0, 'extra', case when i % 3 = 0 then jsonb_build_object('note', E'line\n"' || i, 'ref', null) end)
from generate_series(1, 60) as i;

\o numeric.tsv
select encode(s.payload, 'hex'), to_json(n.v) from golden.stored('golden.n') as s join golden.n on n.ctid = s.at order by n.ctid;

\o jsonb.tsv
select encode(s.payload, 'hex'), j.v from golden.stored('golden.j') as s join golden.j on j.ctid = s.at order by j.ctid;

-- Powers of two among them: the distance to the next value changes there, and a short decimal may lie exactly between two values.
\o float8.tsv
select encode(float8send(v), 'hex'), to_json(v) from (
    select v::float8 from unnest(array['0', '-0', 'NaN', 'Infinity', '-Infinity', '1', '-1', '1e14', '1e15', '1e16', '123456789012345', '1234567890123456',
        '999999999999999', '1e-4', '1e-5', '0.00012345', '9.5367431640625e-07', '5e-324', '2.2250738585072014e-308', '1.7976931348623157e308', '9007199254740991',
        '9007199254740992', '9007199254740993', '9007199254740994', '1e22', '1e23', '5.684341886080802e-14', '0.3', '0.1', '52.123456', '-4.899431', '100.5', '9999999.99999999', '10000000.5']) as v
    union all
    select power(2::float8, e) from generate_series(-1074, 1023) as e where e % 3 = 0 or e between -62 and 80
    union all
    select ((1 + m / 16.0) * power(2::float8, e))::float8 from generate_series(-60, 60, 4) as e, generate_series(1, 15, 2) as m
    union all
    select (golden.bits(i, 'f') % 1000000000)::float8 / (10::float8 ^ (i % 12)) * case when i % 3 = 0 then -1 else 1 end from generate_series(1, 400) as i
    union all
    select golden.bits(i, 'm')::float8 * power(10::float8, (golden.bits(i, 'e') % 560 - 290)::float8) from generate_series(1, 500) as i
) as x;

\o float4.tsv
select encode(float4send(v::float4), 'hex'), to_json(v::float4) from (
    select v::float4 from unnest(array['0', '-0', 'NaN', 'Infinity', '-Infinity', '1', '-1', '1e5', '1e6', '999999', '123456', '1234567', '16777216', '1e-4', '1e-5', '0.1', '0.3',
        '1e-45', '3.4028235e38', '1.1754944e-38', '52.123456', '12.34', '359.9', '7.38905609893', '8388608.5']) as v
    union all
    select power(2::float8, e)::float4 from generate_series(-149, 127) as e
    union all
    select (golden.bits(i, 'f') % 10000000)::float4 / (10::float4 ^ (i % 9))::float4 * case when i % 3 = 0 then -1 else 1 end from generate_series(1, 300) as i
    union all
    select (golden.bits(i, 'm') % 100000000 * power(10::float8, (golden.bits(i, 'e') % 74 - 44)::float8))::float4 from generate_series(1, 300) as i
) as x;

-- Microseconds, timestamptz, timestamp.
\o timestamp.tsv
select us, to_json('2000-01-01 00:00:00+00'::timestamptz + d * interval '1 day' + t * interval '1 microsecond'),
       to_json('2000-01-01 00:00:00'::timestamp + d * interval '1 day' + t * interval '1 microsecond')
from (
    select d, t, d::int8 * 86400000000 + t as us from (
        select golden.bits(i, 'day') % 20000 - 8000 as d, golden.bits(i, 'time') % 86400000000 / (10 ^ (i % 7))::int8 * (10 ^ (i % 7))::int8 as t from generate_series(1, 150) as i
        union all
        select golden.bits(i, 'far') % 109203528 - 2451545, golden.bits(i, 'time') % 86400000000 from generate_series(1, 150) as i
        union all
        select ('2000-01-01'::date + i * 7 - 10) - '2000-01-01'::date, 86399999999 * (i % 2) from generate_series(0, 110) as i
        union all
        select make_date(y, m, 1) - 1 + n - '2000-01-01'::date, 0
        from unnest(array[-4713, -1000, -101, -100, -4, -1, 1, 4, 99, 100, 999, 1000, 1582, 1600, 1900, 1999, 2000, 2024, 9999, 10000, 99999, 294276]) as y,
             unnest(array[1, 3, 12]) as m, generate_series(0, 1) as n
        where y > -4713 or m = 12
        union all
        values (-2451545, 0), (109203527 - 2451545, 86399999999), (0, 0), (0, 1), (0, 10), (0, 100000), (0, 999999), (-1, 86399999999)
    ) as x
) as y;
select us, to_json(v::timestamptz), to_json(v::timestamp)
from (values (9223372036854775807, 'infinity'), (-9223372036854775808, '-infinity')) as x (us, v);

\o date.tsv
select d - '2000-01-01'::date, to_json(d) from (
    select '2000-01-01'::date + (golden.bits(i, 'd') % 20000 - 8000)::int4 as d from generate_series(1, 100) as i
    union all
    select '4714-11-24 BC'::date + (golden.bits(i, 'd') % 2147483494)::int4 from generate_series(1, 200) as i
    union all
    select ('1999-12-01'::date + i * 13) from generate_series(0, 120) as i
    union all
    values ('4714-11-24 BC'::date), ('0001-12-31 BC'), ('0001-01-01'), ('9999-12-31'), ('10000-01-01'), ('5874897-12-31')
) as x;
select v, to_json(d) from (values (2147483647, 'infinity'::date), (-2147483648, '-infinity')) as x (v, d);

\o time.tsv
select us, to_json('00:00'::time + us * interval '1 microsecond') from (
    select golden.bits(i, 't') % 86400000000 / (10 ^ (i % 7))::int8 * (10 ^ (i % 7))::int8 as us from generate_series(1, 150) as i
    union all
    values (0), (1), (86399999999), (100000), (3600000000)
) as x;
select 86400000000, to_json('24:00:00'::time);

\o text.tsv
select encode(convert_to(v, 'UTF8'), 'hex'), to_json(v) from (
    select chr(i) as v from generate_series(1, 300) as i
    union all
    select repeat('x', n) from generate_series(0, 70) as n
    union all
    select overlay(repeat('aé', 30) placing special from 1 + (golden.bits(n, special) % (n + 1))::int4 for 1)::varchar(70) from generate_series(1, 60, 5) as n, unnest(array['"', '\', E'\n', E'\x1f', ' ']) as special
    union all
    select repeat(E'"\\\n', n) from generate_series(1, 12) as n
) as x;

\o bytea.tsv
select encode(v, 'hex'), to_json(v) from (select decode(left(repeat(md5(i::text), 3), 2 * i), 'hex') as v from generate_series(0, 40) as i) as x;

\o uuid.tsv
select replace(v::text, '-', ''), to_json(v) from (select md5(i::text)::uuid as v from generate_series(1, 40) as i) as x;
\o

drop schema golden cascade;
