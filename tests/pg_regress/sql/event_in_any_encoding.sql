-- Whatever a database's encoding, no name, claim or option makes a write fail or an event that cannot be read.
\set SHOW_CONTEXT never
select current_database() as home \gset
-- any bytes may be a name here
create database event_sql_ascii encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C' template template0;
\c event_sql_ascii
set client_min_messages = warning;
create extension realtime_sync;
create table t (id int primary key, a text);
select topics from realtime_sync.enable('t', topics => array['t', 'a:{a}']);
do $$ begin execute format('alter table t rename a to %I', 'caf' || chr(233)); end $$;
insert into t values (1, 'x');
select topics, key from realtime_sync.events;
create table u (id int primary key);
do $$
begin
    execute format(
        'create trigger by_hand after insert on u for each row execute function realtime_sync.capture(%L)',
        '{"event_name": "caf' || chr(233) || '"}'
    );
end
$$;
insert into u values (1);
select type, length(event) as length from realtime_sync.events where "table" = 'u';
\c :home
drop database event_sql_ascii;
-- it has not every character that JSON's escapes can name
create database event_euc_jp encoding 'EUC_JP' lc_collate 'C' lc_ctype 'C' template template0;
\c event_euc_jp
set client_min_messages = warning;
create extension realtime_sync;
create table t (id int primary key);
select count(*) from realtime_sync.enable('t');
set request.jwt.claims = '{"sub": "\u20ac"}';
set request.headers = '{"x-mutation-id": "\u20ac"}';
insert into t values (1);
select actor = session_user as by_session_user, mutation_id, pg_encoding_to_char(encoding) as encoding
from realtime_sync.events, pg_database where datname = current_database();
reset request.jwt.claims;
reset request.headers;
create trigger by_hand after insert on t for each row
    execute function realtime_sync.capture('{"event_name": "\ud83d\ude95", "topics": ["\ud83d\ude95", "{\ud83d\ude95}"]}');
insert into t values (2);
select event = 'INSERT' as as_written, topics from realtime_sync.events where key ->> 'id' = '2' order by id;
\c :home
drop database event_euc_jp;
