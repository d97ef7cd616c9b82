// Load, then follow: a copy of what the database has, kept up to date by every later change, each once and in order,
// whatever happens to the connection. Copy this file into your application; main.ts shows its use.
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

export interface Event {
  id: number;
  cursor: string | null; // null: sent by the writing transaction itself (inline delivery)
  txid: string;
  type: 'INSERT' | 'UPDATE' | 'DELETE' | 'TRUNCATE' | 'LEAVE' | 'MESSAGE';
  table: string | null;
  topics: string[] | null;
  key: Record<string, unknown> | null;
  new?: Record<string, unknown> | null;
  old?: Record<string, unknown> | null;
  partial: boolean; // something was too large for the log: read the row itself
}

export interface Options {
  database: string; // for loads and replays; may lead through a transaction pooler
  listen?: string | null; // for LISTEN, past the pooler; null: poll. By default as database
  topics?: string[]; // by default all events
  since?: string; // where a former run stood, if what it had was kept; by default it begins with a load
  load(client: pg.Client, cursor: string): Promise<void>; // replace the copy, by queries on this one snapshot
  apply(event: Event, client: pg.Client): Promise<void> | void; // if it throws, the same event comes again
  lost?(error: Error): void; // the connection, say; all is tried again
  poll?: number; // milliseconds between two looks where no notification can arrive
  heartbeat?: number; // and where they do, should one get lost
}

export class Follower {
  cursor: string; // all up to here has been applied: place, and until replayed beyond it /snapshot of the load; they sort as strings
  private applied = new Set<number>(); // ids: a crash of the server may send an event again, under a later cursor
  private inbox: string[] = [];
  private wake = () => {};

  constructor(private options: Options) {
    this.cursor = options.since ?? '';
  }

  async run(stop: AbortSignal): Promise<void> {
    stop.addEventListener('abort', () => this.wake());
    for (let failures = 0; !stop.aborted; failures++) {
      await this.session(stop, () => (failures = 0)).catch((error) => this.options.lost?.(error));
      // Anything up to the limit, so that after an outage not everybody comes back at the same moment.
      await delay(Math.random() * Math.min(10_000, 100 * 2 ** failures), undefined, { signal: stop }).catch(() => {});
    }
  }

  private async session(stop: AbortSignal, connected: () => void): Promise<void> {
    const { database, listen = database, poll = 1_000, heartbeat = 30_000 } = this.options;
    let broken: Error | undefined;
    const clients: pg.Client[] = [];
    const connect = async (connectionString: string) => {
      const client = new pg.Client({ connectionString, keepAlive: true, connectionTimeoutMillis: 10_000 });
      clients.push(client);
      client.on('error', (error) => ((broken = error), this.wake()));
      client.on('end', () => ((broken ??= new Error('the connection was closed')), this.wake()));
      await client.connect();
      return client;
    };
    try {
      this.inbox = [];
      let wait = poll;
      if (listen !== null) {
        // Before anything is read, so that nothing falls between. On a connection that does nothing else: through a
        // transaction pooler it then hears nothing, which the heartbeat finds out, rather than a part.
        const listener = await connect(listen);
        listener.on('notification', ({ payload }) => (this.inbox.push(payload!), this.wake()));
        await listener.query('listen realtime_sync').then(() => (wait = heartbeat), refusedByStandby);
      }
      const client = await connect(database);
      if (this.cursor === '') await this.load(client);
      await this.replay(client);
      connected();
      while (!stop.aborted) {
        if (this.inbox.length === 0 && !broken) await this.sleep(wait);
        if (broken) throw broken;
        if (this.inbox.length > 0) {
          wait = heartbeat;
          for (const payload of this.inbox.splice(0)) await this.live(JSON.parse(payload), client);
        } else if ((await this.replay(client)) > 0) {
          wait = poll; // there was something, and no notification of it: a pooler keeps them, perhaps
        }
      }
    } finally {
      for (const client of clients) client.end().catch(() => {});
    }
  }

  private async load(client: pg.Client): Promise<void> {
    await client.query('begin isolation level repeatable read, read only');
    const { rows } = await client.query('select realtime_sync.cursor() as cursor');
    await this.options.load(client, rows[0].cursor);
    await client.query('commit');
    this.cursor = rows[0].cursor;
    this.applied.clear();
  }

  private async replay(client: pg.Client): Promise<number> {
    const query = 'select realtime_sync.replay(since => $1, topics => $2, max_events => 1000) as page';
    for (let count = 0; ; ) {
      this.inbox = []; // what has been announced so far, the log has
      const { rows } = await client.query(query, [this.cursor, this.options.topics ?? null]).catch(expired);
      const page = rows[0]?.page;
      if (!page || page.reset) {
        await this.load(client); // away for too long, or the server was set back to an earlier state
        continue;
      }
      for (const event of page.events) await this.take(event, client);
      this.cursor = page.cursor;
      count += page.events.length;
      if (!page.more) return count;
    }
  }

  private async live(event: Event, client: pg.Client): Promise<void> {
    const { topics } = this.options;
    const wanted = !topics || !event.topics || event.topics.some((topic) => topics.includes(topic));
    const whole = 'new' in event || event.type === 'MESSAGE'; // not a reference to what a notification cannot hold
    if (event.cursor && event.cursor <= this.cursor) return; // loaded or replayed
    if (event.cursor && !this.cursor.includes('/') && (whole || !wanted)) {
      if (wanted) await this.take(event, client);
      this.cursor = event.cursor;
    } else {
      await this.replay(client); // which also knows what the load's snapshot has seen
      if (event.cursor! > this.cursor) throw new Error('the notification is ahead of the log: not the same server?');
    }
  }

  private async take(event: Event, client: pg.Client): Promise<void> {
    if (this.applied.has(event.id)) return;
    await this.options.apply(event, client);
    this.applied.add(event.id);
    if (this.applied.size > 100_000) this.applied.delete(this.applied.values().next().value!);
  }

  private sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.wake = () => (clearTimeout(timer), resolve());
    });
  }
}

function refusedByStandby(error: pg.DatabaseError): void {
  if (error.code !== '25006') throw error;
}

function expired(error: pg.DatabaseError): { rows: { page: any }[] } {
  if (error.code !== '55000') throw error;
  return { rows: [] };
}
