-- Timers: functions that the relay calls when what they look after is due, such as an expiry. For kits,
-- which have no process of their own.

create table realtime_sync.timer (
    name text not null,
    -- By name: pg_upgrade refuses columns of type regprocedure.
    function text not null check (function like '%()'),
    owner regrole not null default current_user::regrole,
    error text,
    failing_since timestamptz,
    -- Nobody can take a name before whoever needs it.
    primary key (owner, name)
);

select pg_catalog.pg_extension_config_dump('realtime_sync.timer', 'where function not like ''realtime\_sync.%''');

-- A function runs as its timer's owner, so nobody may name another.
alter table realtime_sync.timer enable row level security;
create policy own on realtime_sync.timer
    using (pg_catalog.pg_has_role(owner, 'usage'))
    with check (owner = current_user::regrole);

-- What could not be read as a function's name would be an error of the relay at every look, before PostgreSQL
-- 16. A function that is not there is none.
create function realtime_sync.check_timer() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
    if pg_catalog.cardinality(pg_catalog.parse_ident(pg_catalog.left(new.function, -2))) > 2 then
        raise invalid_name using
            message = pg_catalog.format('%s cannot be the name of a function', new.function),
            hint = 'select realtime_sync.add_timer(...) writes it.';
    end if;
    return new;
end
$function$;

create trigger check_timer before insert or update of function on realtime_sync.timer
    for each row execute function realtime_sync.check_timer();

create function realtime_sync.add_timer(name text, function regprocedure) returns void
volatile parallel unsafe language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
    found record;
begin
    select
        p.prokind = 'f' and not p.proretset and p.pronargs = 0
            and p.prorettype = 'pg_catalog.timestamptz'::regtype as fits,
        pg_catalog.has_function_privilege(p.oid, 'execute') as executable
    into found
    from pg_catalog.pg_proc p
    where p.oid = add_timer.function;
    if name is null or function is null then
        raise null_value_not_allowed using
            message = pg_catalog.format('%s of realtime_sync.add_timer() must not be null', case when name is null then 'name' else 'function' end),
            hint = 'As in add_timer(''shop offers'', ''shop.offers_due()'').';
    elsif name = '' then
        raise invalid_parameter_value using
            message = 'a timer needs a name',
            hint = 'Give one that says whose it is, such as ''shop offers''.';
    elsif found.fits is not true then
        raise invalid_parameter_value using
            message = pg_catalog.format('%s cannot be a timer', function),
            detail = 'A timer is a function without arguments that returns timestamptz: when it is to be called next, null when nothing is due.',
            hint = 'create function ... returns timestamptz ...';
    elsif not found.executable then
        raise insufficient_privilege using
            message = pg_catalog.format('permission denied for function %s', function),
            detail = 'The relay calls it as the role that adds the timer.',
            hint = pg_catalog.format('grant execute on function %s to %I;', function, current_user);
    end if;
    insert into realtime_sync.timer as t (name, function) values (add_timer.name, add_timer.function::text)
    on conflict on constraint timer_pkey do update set function = excluded.function
    where t.function <> excluded.function;
end
$function$;

create function realtime_sync.drop_timer(name text, owner regrole default null) returns void
volatile parallel unsafe language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
    -- The caller's own; where he has none of that name, the only one he may drop of others.
    owners regrole[] := array(
        select t.owner
        from realtime_sync.timer t
        where t.name = drop_timer.name and t.owner = coalesce(drop_timer.owner, t.owner)
        order by t.owner <> current_user::regrole, t.owner::text
    );
begin
    if owners = '{}' then
        raise undefined_object using
            message = pg_catalog.format('timer "%s" does not exist', name),
            hint = 'select name, owner from realtime_sync.timer; shows those there are.';
    elsif owners[1] <> current_user::regrole and owners[2] is not null then
        raise cardinality_violation using
            message = pg_catalog.format('timer "%s" is of %s', name, pg_catalog.array_to_string(owners, ', ')),
            hint = pg_catalog.format('select realtime_sync.drop_timer(%L, %L); drops one.', name, owners[1]);
    end if;
    delete from realtime_sync.timer t where t.name = drop_timer.name and t.owner = owners[1];
end
$function$;

revoke all on table realtime_sync.timer from public;
revoke all on function realtime_sync.check_timer() from public;
revoke all on function realtime_sync.add_timer(text, regprocedure) from public;
revoke all on function realtime_sync.drop_timer(text, regrole) from public;

comment on table realtime_sync.timer is
    'Functions that the relay calls when what they look after is due.';
comment on column realtime_sync.timer.function is
    'Does what is due, and returns when it is to be called next; null when nothing is.';
comment on column realtime_sync.timer.owner is
    'In whose name it runs; each role''s timers have names of their own.';
comment on column realtime_sync.timer.error is
    'What its last call failed with; it is called again, a minute later at the latest.';
comment on function realtime_sync.check_timer() is
    'Trigger function: refuses what cannot be the name of a function.';
comment on function realtime_sync.add_timer(text, regprocedure) is
    'Has the relay call a function () returns timestamptz as the caller''s role: when the relay starts, at the time the function gave, and within half a second of events. It does what is due and returns when it wants to be called next, null when nothing is due; more than an hour ahead keeps no relay waiting. A call ends after 5 seconds. 22023 for another function, 42501 for one the caller may not execute.';
comment on function realtime_sync.drop_timer(text, regrole) is
    'Drops a timer of that owner; without one the caller''s, or, if he has none of that name, the only one of roles he is a member of. 42704 when there is none, 21000 when there are several.';
