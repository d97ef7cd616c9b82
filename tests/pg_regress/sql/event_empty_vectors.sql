-- int2vector and oidvector are the arrays that may have a dimension and no elements.
begin;
create table public.vectors (id int primary key, v int2vector, o oidvector, w oidvector[]);
select relation from realtime_sync.enable('public.vectors');
insert into public.vectors values (1, '', '', array[''::oidvector]), (2, '1 2', '3', array['4 5'::oidvector]);
select realtime_sync.flush();
select e.new::text = row_to_json(t)::text as same, e.new from realtime_sync.events e join public.vectors t on e.key ->> 'id' = t.id::text
where e."table" = 'vectors' order by e.id;
rollback;
