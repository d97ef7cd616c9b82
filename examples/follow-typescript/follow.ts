// Load, then follow: a copy of what the database has, kept up to date by every later change, each once and in order,
// whatever happens to the connection. Copy this file into your application; main.ts shows its use.
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

export interface Options {
  database: string;
  load(client: pg.Client, cursor: string): Promise<void>; // replace the copy, by queries on this one snapshot
  apply(event: any, client: pg.Client): Promise<void> | void; // if it throws, the same event comes again
  lost(error: Error): void; // the connection, say; all is tried again
  topics?: string[]; // by default all events
  listen?: string; // by default 'listen realtime_sync'; through a transaction pooler '': only poll
  poll?: number; // milliseconds between two looks where no notification tells
  pause?: number; // and at least: at 10, a thousand changes a second cost a hundred looks
  limit?: number; // milliseconds for each answer but those to load and apply: a network may go silent and close nothing
  cursor?: string; // all up to here has been applied; by default it begins with a load
}

export class Follower {
  private cursor: string;
  private applied = new Set<number>(); // ids: a crash of the server may send an event again, under a later cursor
  private failures = 0;
  private look = new AbortController();
  private limit: number;

  constructor(private options: Options) {
    this.cursor = options.cursor ?? '';
    this.limit = options.limit ?? 15_000;
  }

  async run(stop: AbortSignal): Promise<void> {
    stop.addEventListener('abort', () => this.look.abort());
    for (; !stop.aborted; this.failures++) {
      const client = new pg.Client({
        connectionString: this.options.database,
        connectionTimeoutMillis: this.limit,
        // Only the kernel can tell that nobody is there while load and apply wait. Node asks it to try for ten seconds.
        keepAlive: true,
        keepAliveInitialDelayMillis: Math.max(1_000, this.limit - 10_000),
      });
      client.on('notification', () => this.look.abort());
      client.on('error', () => this.look.abort()); // which finds the connection lost
      try {
        await client.connect();
        await this.follow(client, stop);
      } catch (error) {
        this.options.lost(error as Error);
      }
      client.end().catch(() => {});
      client.connection.stream.destroy(); // nobody may be there to answer that
      // Anything up to the limit, so that after an outage not everybody comes back at the same moment.
      await delay(Math.random() * Math.min(10_000, 100 * 2 ** this.failures), undefined, { signal: stop }).catch(() => {});
    }
  }

  private async follow(client: pg.Client, stop: AbortSignal): Promise<void> {
    const { listen = 'listen realtime_sync', poll = 5_000, pause = 10 } = this.options;
    // Before anything is read, so that nothing falls between. A standby cannot: then we poll.
    await this.ask(client, listen).catch(unless('25006'));
    while (!stop.aborted) {
      this.look = new AbortController();
      if (this.cursor === '') await this.load(client);
      const more = await this.replay(client);
      this.failures = 0;
      if (more) continue;
      await delay(pause);
      // What a notification says, the log has, whole and in order: it is a reason to look, no more.
      await delay(poll, undefined, { signal: this.look.signal }).catch(() => {});
    }
  }

  private async load(client: pg.Client): Promise<void> {
    await this.ask(client, 'begin isolation level repeatable read, read only');
    const { rows } = await this.ask(client, 'select realtime_sync.cursor()');
    await this.options.load(client, rows[0].cursor);
    await this.ask(client, 'commit');
    this.cursor = rows[0].cursor;
    this.applied.clear();
  }

  private async replay(client: pg.Client): Promise<boolean> {
    const query = 'select realtime_sync.replay(since => $1, topics => $2, max_events => 1000)';
    const answer = await this.ask(client, query, [this.cursor, this.options.topics]).catch(unless('55000'));
    const page = answer?.rows[0].replay;
    if (!page || page.reset) {
      this.cursor = ''; // away for too long, or the server was set back to an earlier state
      return true;
    }
    for (const event of page.events) {
      if (this.applied.has(event.id)) continue;
      await this.options.apply(event, client);
      this.applied.add(event.id);
      if (this.applied.size > 100_000) this.applied.delete(this.applied.values().next().value!);
    }
    this.cursor = page.cursor;
    return page.more;
  }

  private ask(client: pg.Client, text: string, values?: unknown[]): Promise<pg.QueryResult> {
    const query = { text, values, query_timeout: this.limit }; // which pg's types know of a client only
    return client.query(query);
  }
}

function unless(code: string) {
  return (error: pg.DatabaseError): undefined => {
    if (error.code !== code) throw error;
  };
}
