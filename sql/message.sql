create function realtime_sync.send(topic text, event text, payload json) returns bigint
volatile parallel unsafe language c
as 'MODULE_PATHNAME', 'realtime_sync_send';

revoke all on function realtime_sync.send(text, text, json) from public;

comment on function realtime_sync.send(text, text, json) is
    'Sends an app''s own message to a topic, in the same log and order as the changes, and returns its id. The caller needs INSERT on (topics, event, payload) of realtime_sync.event and a policy: realtime_sync.allow(role, ''send'', topics).';
