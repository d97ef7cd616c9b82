-- Runs before every other file, in the same database.
create extension realtime_sync;

-- A call as it fails: each of its lines, in the order in which psql shows them.
create function said(call text) returns text language plpgsql as $$
declare
    state text;
    message text;
    detail text;
    hint text;
begin
    execute 'select ' || call;
    return format(E'%s\n    no error', call);
exception when others then
    get stacked diagnostics state = returned_sqlstate, message = message_text, detail = pg_exception_detail, hint = pg_exception_hint;
    return concat_ws(
        E'\n    ', regexp_replace(call, 'x{9,}', 'x...'), state || ' ' || regexp_replace(message, 'x{9,}', 'x...'), nullif(detail, ''),
        coalesce('-> ' || nullif(hint, ''), 'NO HINT')
    );
end
$$;
