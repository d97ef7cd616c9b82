-- A second call with other options replaces them: what is not asked for again is gone.
begin;
create table drivers (id bigint primary key, status text, note text);
select operations, watch, filter, replica_mode, options
from realtime_sync.enable('drivers', watch => array['note'], filter => 'new.status = ''on''', replica_mode => 'replica');
select tgname, tgenabled, tgqual is not null as conditional from pg_trigger where tgrelid = 'drivers'::regclass order by tgname;
select operations, watch, filter, replica_mode, options
from realtime_sync.enable('drivers', operations => array['insert', 'update']);
select tgname, tgenabled, tgqual is not null as conditional from pg_trigger where tgrelid = 'drivers'::regclass order by tgname;
-- A changed mode alone changes the mode alone.
select ddl from realtime_sync.enable('drivers', operations => array['insert', 'update'], replica_mode => 'always', dry_run => true);
rollback;
