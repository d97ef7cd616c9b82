-- Nothing written in a filter gets out of the parentheses of its WHEN, whatever the session's settings.
\set SHOW_CONTEXT never
\set ON_ERROR_ROLLBACK on
begin;
create table drivers (id bigint primary key, status text);
create table victim (id int);
create function evil() returns trigger language plpgsql as $$ begin drop table public.victim; return null; end $$;
create function try(filter text) returns text language plpgsql as $$
begin
    perform realtime_sync.enable('public.drivers', filter => filter);
    return 'accepted';
exception when others then
    return sqlstate || ' ' || sqlerrm;
end
$$;
create table attempt (n int generated always as identity, filter text);
insert into attempt (filter)
values
    ('true) execute function evil() --'),
    ('true) execute function public.evil(); create table public.owned (id int); --'),
    ('true) execute function public.evil('),
    ('true) or (true'),
    ('(true'),
    ('true; drop table public.victim'),
    ('true -- rest'),
    ('true /* rest'),
    ('true /* a /* b */ ) execute function public.evil() */'),
    ('true /* a */ ) execute function public.evil( /* b */'),
    ('new.status = $$x$$'),
    ('new.status = $x$) execute function public.evil()--$x$'),
    ('new.status = $1'),
    ('new.status = ''\'') execute function public.evil() --'''),
    ('new.status = ''\'' or true) execute function public.evil('''),
    ('new.status = E''\'') execute function public.evil() --'),
    ('new.status = E''\\'') execute function public.evil() --'''),
    ('new.status = E''a''' || chr(10) || '''\'') execute function public.evil() --'),
    ('new.status = U&''\0027) execute function public.evil() --'''),
    ('new.status = U&''!0027) execute function public.evil() --'' uescape ''!'''),
    (U&'new.status = \02BC) execute function public.evil() \2013\2013'),
    ('U&"\006eew".status = ''x'''),
    ('new."status"") execute function public.evil() --" = 1'),
    ('new.status = ''a'),
    ('new."status'),
    ('new.status = e''\x27) execute function public.evil() --'''),
    ('true]) execute function public.evil('),
    ('true' || chr(11) || '--' || chr(10) || ') execute function public.evil() '),
    ('{"x":1}'),
    ('true) referencing new table as x for each statement execute function public.evil('),
    ('new is not null'),
    ('public.evil() is null'),
    ('(select true)');
select a.n, a.filter, try(a.filter) from attempt a order by a.n;
set local standard_conforming_strings = off;
set local backslash_quote = on;
set local escape_string_warning = off;
select a.n, try(a.filter) from attempt a order by a.n;
reset standard_conforming_strings;
-- What was accepted is a WHEN, and the function is still capture().
select realtime_sync.disable('drivers');
select (realtime_sync.enable('drivers', filter => a.filter)).relation
from attempt a where a.n in (19, 20, 26) order by a.n;
select distinct tgfoid::regprocedure from pg_trigger where tgrelid = 'drivers'::regclass;
insert into drivers values (1, 'x');
update drivers set status = 'y';
delete from drivers;
select count(*) from victim;
select to_regclass('public.owned');
rollback;
