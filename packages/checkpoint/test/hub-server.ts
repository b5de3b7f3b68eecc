import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ServedFile {
  content: Buffer;
  /** Large files are named by sha256 and served by a redirect to a second host, as the hub does. */
  isLarge?: boolean;
}

export interface Served {
  method: string;
  path: string;
  range: string | undefined;
  authorization: string | undefined;
}

/** What the server does instead of answering a request for a file's bytes; undefined lets it go on. */
export type Fault = (request: Served, response: ServerResponse, content: Buffer) => boolean;

/** A server in this process that speaks what weft uses of the hub's protocol. */
export class HubServer {
  readonly requests: Served[] = [];
  readonly files = new Map<string, ServedFile>();
  commit = 'a'.repeat(40);
  /** Answered to every request of the API, where set. */
  apiStatus = 200;
  token: string | undefined;
  hasRanges = true;
  fault: Fault | undefined;
  #hub: Server;
  #storage: Server;

  private constructor(readonly id: string) {
    this.#hub = createServer((request, response) => this.#answer(request, response));
    this.#storage = createServer((request, response) => this.#store(request, response));
  }

  /** Serves one model. */
  static async start(id = 'org/model'): Promise<HubServer> {
    const server = new HubServer(id);
    for (const part of [server.#hub, server.#storage]) {
      await new Promise<void>((resolve) => part.listen(0, '127.0.0.1', resolve));
    }
    return server;
  }

  get url(): string {
    return urlOf(this.#hub);
  }

  /** Requests for the bytes of files, those that a redirect caused left out. */
  get downloads(): Served[] {
    return this.requests.filter(({ path }) => path.includes('/resolve/'));
  }

  get stored(): Served[] {
    return this.requests.filter(({ path }) => path.startsWith('/storage/'));
  }

  add(name: string, content: string | Buffer, isLarge = false): void {
    this.files.set(name, { content: Buffer.from(content as string), isLarge });
  }

  async stop(): Promise<void> {
    for (const part of [this.#hub, this.#storage]) {
      part.closeAllConnections();
      await new Promise((resolve) => part.close(resolve));
    }
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const served = this.#record(request);
    if (this.token !== undefined && served.authorization !== `Bearer ${this.token}`) {
      send(response, 401, { error: 'Invalid credentials' });
      return;
    }
    if (served.path.startsWith('/api/')) this.#answerApi(request, response, served);
    else this.#answerFile(response, served);
  }

  #answerApi(request: IncomingMessage, response: ServerResponse, { path }: Served): void {
    if (this.apiStatus !== 200) {
      send(response, this.apiStatus, { error: 'as the test wants it' });
      return;
    }
    const ofModel = path.replace(`/api/models/${this.id}/`, '');
    const [, kind, revision] = /^(revision|paths-info|tree)\/([^?]+)/.exec(ofModel) ?? [];
    const isKnown =
      revision === this.commit || ['main', 'refs/pr/1'].includes(decodeURIComponent(revision ?? ''));
    if (!isKnown) {
      send(response, 404, { error: 'Revision Not Found' });
    } else if (kind === 'revision') {
      send(response, 200, { _id: '1', id: this.id, sha: this.commit, lastModified: new Date(0) });
    } else if (kind === 'tree') {
      const folders = [...this.files.keys()].filter((name) => name.includes('/'));
      send(response, 200, [
        ...folders.map((name) => ({ type: 'directory', path: name.split('/')[0], size: 0, oid: '' })),
        ...[...this.files.keys()].map((name) => this.#pathInfo(name)),
      ]);
    } else {
      void bodyOf(request).then((body) => {
        const { paths } = JSON.parse(body) as { paths: string[] };
        send(
          response,
          200,
          paths.filter((name) => this.files.has(name)).map((name) => this.#pathInfo(name)),
        );
      });
    }
  }

  #pathInfo(name: string): object {
    const { content, isLarge } = this.files.get(name)!;
    const info = { type: 'file', path: name, size: content.length, oid: gitHash(content) };
    return isLarge
      ? { ...info, lfs: { oid: sha256(content), size: content.length, pointerSize: 130 } }
      : info;
  }

  #answerFile(response: ServerResponse, served: Served): void {
    const ofModel = served.path.replace(`/${this.id}/`, '');
    const [, revision, name] = /^resolve\/([^/]+)\/(.+)$/.exec(ofModel) ?? [];
    if (revision !== this.commit && revision !== 'main') {
      response.writeHead(404).end();
      return;
    }
    const file = name === undefined ? undefined : this.files.get(name);
    if (!file) {
      response.writeHead(404).end();
      return;
    }
    response.setHeader('X-Repo-Commit', this.commit);
    if (file.isLarge) {
      response.setHeader('X-Linked-ETag', `"${sha256(file.content)}"`);
      response.setHeader('X-Linked-Size', file.content.length);
      response.writeHead(302, { Location: `${urlOf(this.#storage)}/storage/${name}` }).end();
    } else {
      response.setHeader('ETag', `"${gitHash(file.content)}"`);
      this.#sendBytes(response, served, file.content);
    }
  }

  #store(request: IncomingMessage, response: ServerResponse): void {
    const served = this.#record(request);
    this.#sendBytes(response, served, this.files.get(served.path.slice('/storage/'.length))!.content);
  }

  #sendBytes(response: ServerResponse, served: Served, content: Buffer): void {
    if (this.fault?.(served, response, content)) return;
    const from = this.hasRanges ? Number(/^bytes=(\d+)-$/.exec(served.range ?? '')?.[1] ?? 0) : 0;
    if (from > 0)
      response.setHeader('Content-Range', `bytes ${from}-${content.length - 1}/${content.length}`);
    response.writeHead(from > 0 ? 206 : 200, { 'Content-Length': content.length - from });
    response.end(content.subarray(from));
  }

  #record({ method, url, headers }: IncomingMessage): Served {
    const served = {
      method: method!,
      path: url!,
      range: headers.range,
      authorization: headers.authorization,
    };
    this.requests.push(served);
    return served;
  }
}

export function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

export function gitHash(content: Buffer): string {
  return createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
}

/** Sends the beginning of a file and breaks the connection, as a cable that is pulled. */
export function breakAfter(bytes: number): Fault {
  return ({ range }, response, content) => {
    const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    response.writeHead(from > 0 ? 206 : 200, { 'Content-Length': content.length - from });
    response.write(content.subarray(from, from + bytes), () => setTimeout(() => response.destroy(), 20));
    return true;
  };
}

export function answerStatus(status: number): Fault {
  return (_request, response) => {
    response.writeHead(status).end('no');
    return true;
  };
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
