// A live copy of a table: npm start -- drivers, or of the rows of one topic: npm start -- trips driver:7 'driver_id = 7'
import type pg from 'pg';
import { Follower } from './follow.js';

const [table, topic = table, condition = 'true'] = process.argv.slice(2);
if (!table) {
  console.error('usage: npm start -- TABLE [TOPIC CONDITION]');
  process.exit(1);
}
const { DATABASE_URL: database = 'postgres:///', LISTEN, POLL = '5', LIMIT = '15', CURSOR } = process.env;

const rows = `select row_to_json(t) as row from ${table} t where ${condition}`;
const copy = new Map<unknown, object>();

async function apply(event: any, client: pg.Client): Promise<void> {
  const stays = event.type === 'INSERT' || event.type === 'UPDATE';
  let row = stays ? event.new : null;
  if (stays && event.partial) {
    // It was too large for the log: the row itself. First what can fail, then what cannot be done twice.
    row = (await client.query(`${rows} and id = $1`, [event.key.id])).rows[0]?.row;
  }
  if (event.type === 'TRUNCATE') copy.clear();
  for (const former of [event.old, event.key]) copy.delete(former?.id);
  if (row) copy.set(row.id, row);
  console.log(`${event.cursor} ${event.id} ${event.type} ${JSON.stringify(event.key)}`);
}

const stop = new AbortController();
process.on('SIGINT', () => stop.abort());
process.on('SIGTERM', () => stop.abort());

await new Follower({
  database,
  listen: LISTEN,
  topics: [topic],
  poll: Number(POLL) * 1000,
  limit: Number(LIMIT) * 1000,
  cursor: CURSOR,
  async load(client, cursor) {
    await client.query("set local timezone = 'UTC'"); // as events write times
    const loaded = await client.query(rows);
    copy.clear();
    for (const { row } of loaded.rows) copy.set(row.id, row);
    console.log(`loaded ${copy.size} at ${cursor}`);
  },
  apply,
  lost: (error) => console.log(`lost: ${error.message}`),
}).run(stop.signal);

console.log('copy:');
for (const row of copy.values()) console.log(JSON.stringify(row));
