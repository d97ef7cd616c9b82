-- An empty channel, or an empty topic used as one, does not stop a commit.
create table log_empty_channel (id int primary key, name text);
select count(*) from realtime_sync.enable('log_empty_channel', topics => array['{name}']);
set realtime_sync.channel = '';
insert into log_empty_channel values (1, 'x');
set realtime_sync.channel = '{topic}';
insert into log_empty_channel values (2, ''), (3, repeat('long', 100));
reset realtime_sync.channel;
select key, length(topics[1]) from realtime_sync.events where "table" = 'log_empty_channel' order by id;
drop table log_empty_channel;
