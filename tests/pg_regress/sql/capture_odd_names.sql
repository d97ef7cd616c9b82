-- Names of 63 bytes, with quotes, spaces, braces, keywords and beyond ASCII come out as they are.
create schema capture_odd_names;
set search_path = capture_odd_names;
create view feed as
    select type, "table", key, new, old, changed, topics, partial from realtime_sync.events
    where schema = 'capture_odd_names' order by id;
create table "a table with ""quotes"", {braces} and a name of 63 bytes: äöü." (
    "select" int primary key, "key" text, "table" text, "schema" text, "{x}" int, "back\slash" int,
    "a column with a name of exactly 63 bytes ......................" int, "tab	newline
" int, "ключ" text
);
select count(*) from realtime_sync.enable('"a table with ""quotes"", {braces} and a name of 63 bytes: äöü."',
    topics => array['{table}', '{"table"}', '{"schema"}:{"key"}', '{"{x}"}', '{ключ}', '{"tab	newline
"}']);
insert into "a table with ""quotes"", {braces} and a name of 63 bytes: äöü." values (1, 'k', 't', 's', 2, 3, 4, 5, 'знач');
update "a table with ""quotes"", {braces} and a name of 63 bytes: äöü." set "ключ" = 'другое', "tab	newline
" = 6;
select "table" from feed limit 1;
select type, unnest(topics) from feed;
select new, changed from feed where type = 'UPDATE';
set client_min_messages = warning;
drop schema capture_odd_names cascade;
