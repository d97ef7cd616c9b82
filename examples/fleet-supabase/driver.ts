// A driver's app in a terminal, over supabase-js or any PostgREST: the dashboard in one call, then what has happened since.
// npm start, and then: accept OFFER, decline OFFER, at LAT LNG, quit
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient } from '@supabase/supabase-js';

const { SUPABASE_URL = '', SUPABASE_KEY = '', TOKEN = '', POLL = '10', DRIVERS = 'drivers' } = process.env; // DRIVERS: as the app calls its table

const supabase = createClient(SUPABASE_URL, SUPABASE_KEY, {
  accessToken: async () => TOKEN, // with Supabase's own logins: none, and supabase.auth.signInWithPassword(...)
  global: { fetch: (url, init) => fetch(url, { ...init, signal: AbortSignal.timeout(10_000) }) }, // there are tunnels
});
const realtime = supabase.schema('realtime_sync');

let dashboard: any;
let offers: Map<number, any>;
let cursor: string;

async function load() {
  const { data, error } = await supabase.rpc('get_driver_dashboard');
  if (error) throw error;
  if (!data.driver) throw new Error('this login is no driver');
  dashboard = data;
  offers = new Map(data.offers.map((offer: any) => [offer.id, offer]));
  cursor = data.cursor;
  show();
}

async function poll() {
  const topics = [`driver:${dashboard.driver.id}`];
  let stale = false;
  for (let more = true; more; ) {
    const { data: page, error } = await realtime.rpc('replay', { since: cursor, topics });
    // Away for longer than the log goes back, or the server was set back to an earlier state.
    if (error?.code === '55000' || page?.reset) return load();
    if (error) throw error;
    for (const event of page.events) stale = apply(event) || stale;
    ({ cursor, more } = page);
  }
  if (stale) await load();
}

// Whether the dashboard is to be loaded again.
function apply({ id, event, table, payload }: any): boolean {
  console.log(`event ${id} ${event}`);
  if (table === DRIVERS && event === 'UPDATE') return false; // where he is, he knows
  if (!event.startsWith('trip_offer.')) return true;
  if (event === 'trip_offer.created') offers.set(payload.offer_id, payload);
  else offers.delete(payload.offer_id);
  show();
  return false;
}

async function answer(call: 'accept_offer' | 'decline_offer', offer_id: number) {
  const { data, error } = await supabase.rpc(call, { offer_id });
  // Taken, expired or canceled meanwhile: over HTTP that is 500, and the code tells.
  if (error?.code === '55000') return console.log(error.message);
  if (error) throw error;
  console.log(`${data.state} trip ${data.trip_id}`);
}

async function at(lat: number, lng: number) {
  const { data, error } = await supabase.rpc('update_location', { lat, lng, recorded_at: new Date() });
  if (error) throw error;
  console.log(data.accepted ? `at ${lat} ${lng}` : `not at ${lat} ${lng}: ${data.reason}`);
}

async function heartbeat() {
  const { error } = await supabase.rpc('driver_heartbeat', { meta: { battery: 80 }, ttl: '60 s' });
  if (error) throw error;
}

function show() {
  const { driver, active_trip: trip } = dashboard;
  const open = [...offers].map(([id, offer]) => `offer ${id}: trip ${offer.trip_id} for ${offer.earnings}`);
  console.log([`${driver.name}: ${trip ? `trip ${trip.id} ${trip.status}` : 'free'}`, ...open].join(', '));
}

// One call after another, so that no event is applied twice. What fails is tried again with the next turn.
let turn: Promise<unknown> = Promise.resolve();
function then(work: () => Promise<unknown>) {
  turn = turn.then(work).catch(({ code, message }) => console.log(`failed: ${code ?? ''} ${message}`));
  return turn;
}

createInterface(process.stdin).on('line', (line) => {
  const [command, first, second] = line.split(' ');
  if (command === 'accept' || command === 'decline') then(() => answer(`${command}_offer`, Number(first)).then(poll));
  if (command === 'at') then(() => at(Number(first), Number(second)));
  if (command === 'quit') process.exit();
});

for (; ; await delay(Number(POLL) * 1000)) {
  await then(dashboard ? poll : load);
  if (dashboard) await then(heartbeat);
}
