select pg_catalog.convert_to(pg_catalog.to_jsonb(s)::pg_catalog.text, 'UTF8')
from realtime_sync.source s
where s.relation = $1
