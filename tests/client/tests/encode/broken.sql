-- Types whose encoding fails: a cast to json that raises for some values, an output function that
-- raises for all, being another library's function for another purpose.
create type touchy;
create function touchy_in(cstring) returns touchy language internal immutable strict as 'textin';
create function touchy_out(touchy) returns cstring language internal immutable strict as 'textout';
create type touchy (input = touchy_in, output = touchy_out, like = text);
create cast (touchy as text) without function;
create function touchy_json(touchy) returns json language plpgsql immutable as $$
begin
    if $1::text = 'bad' then
        raise 'cannot be told';
    end if;
    return pg_catalog.json_build_array($1::text);
end $$;
create cast (touchy as json) with function touchy_json(touchy);

create type broken;
create function broken_in(cstring) returns broken language internal immutable strict as 'int4in';
create function broken_out(broken) returns cstring language c immutable strict as '$libdir/plpgsql', 'plpgsql_validator';
create type broken (input = broken_in, output = broken_out, like = int4);

create type inner_row as (n int, t touchy);
create table cast_raises (id int primary key, v touchy, n int, c inner_row, l touchy[]);
create table output_raises (id int primary key, v broken, n int);
do $$
declare
    one text;
    operation text;
begin
    foreach one in array array['cast_raises', 'output_raises'] loop
        foreach operation in array array['insert', 'update', 'delete'] loop
            execute format(
                'create trigger "00_realtime_sync_%1$s" after %1$s on %2$I for each row execute function realtime_sync.capture(%3$L)',
                operation, one, '{"old_row":"full","topics":["{table}","{table}:{id}","v:{v}"]}'
            );
        end loop;
    end loop;
end $$;
insert into cast_raises values (1, 'good', 1, (1, 'good'), '{good}'), (2, 'bad', 2, null, null), (3, null, 3, (3, 'bad'), null), (4, null, 4, null, '{good,bad}');
update cast_raises set n = n + 10;
update cast_raises set v = 'good' where id = 2;
delete from cast_raises;
insert into output_raises values (1, '7', 1), (2, null, 2);
update output_raises set n = n + 10;
delete from output_raises;
