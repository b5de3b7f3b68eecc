import type { ResolvedOptions } from '../options.js';
import { RequestError } from '../request-error.js';
import { type HostObserver, ModelHost } from './model-host.js';
import { ModelRoots } from './model-roots.js';
import type { ModelInfo } from './protocol.js';

export interface PoolObserver {
  of(model: string): HostObserver;
}

/** What a request needs of a model. */
export type Ability = (info: ModelInfo) => boolean;

/** A worker that keeps a cancelled request for so long is taken for hung. */
const HANG_MS = 30_000;
/** Tokens of the explaining views. */
const MAX_ATTENTION_TOKENS = 128;
const MAX_OCCLUSION_TOKENS = 256;

/** All models of the server: those it was started with, and those of its roots that somebody asked for. */
export class ModelPool {
  #fixed: ModelHost[];
  #lent = new Map<string, ModelHost>();
  #roots: ModelRoots;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly observer: PoolObserver,
  ) {
    this.#roots = new ModelRoots(options.modelRoots);
    this.#fixed = options.models.map((model) => this.#start(model));
  }

  get hosts(): readonly ModelHost[] {
    return [...this.#fixed, ...this.#lent.values()];
  }

  /** The models that the server was started with; readiness is theirs. */
  get fixed(): readonly ModelHost[] {
    return this.#fixed;
  }

  /** Names in the roots whose models are not loaded. */
  async available(): Promise<string[]> {
    const loaded = new Set(this.hosts.map(({ id }) => id));
    return (await this.#roots.list()).filter((id) => !loaded.has(id));
  }

  /**
   * The model of that name, loaded or loading.
   *
   * @throws RequestError 404 where there is none
   */
  async byName(id: string): Promise<ModelHost> {
    const known = this.hosts.find(
      (host) => host.id === id && (host.state !== 'failed' || !this.#lent.has(id)),
    );
    if (known) return known;
    const folder = await this.#roots.find(id);
    if (folder === undefined) {
      throw new RequestError(
        404,
        'model_not_found',
        'there is no model of that name; GET /v1/models lists them',
        'model',
      );
    }
    return this.#lend(id, folder);
  }

  /** The model that would be chosen, where that needs no waiting and no looking into folders. */
  chooseNow(id: string | undefined, ability: Ability): ModelHost | undefined {
    const isReady = ({ state, info }: ModelHost): boolean => state === 'ready' && info !== undefined;
    if (id !== undefined) return this.hosts.find((host) => host.id === id && isReady(host));
    // One that is loading may come first in the order.
    const first = this.hosts.find(({ state, info }) => state === 'loading' || (info && ability(info)));
    return first && isReady(first) ? first : undefined;
  }

  /**
   * The named model, else the first that has the ability.
   *
   * @throws RequestError 404 where there is none
   */
  async choose(id: string | undefined, ability: Ability, signal: AbortSignal): Promise<ModelHost> {
    if (id !== undefined) return this.byName(id);
    for (const host of this.hosts) {
      if (host.state === 'loading') await Promise.race([host.loaded(), aborted(signal)]);
      signal.throwIfAborted();
      if (host.state !== 'failed' && host.info && ability(host.info)) return host;
    }
    throw new RequestError(404, 'model_not_found', 'no model here can do this', 'model');
  }

  async close(): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.close()));
  }

  /** Loads a model of the roots; the one that was idle longest makes room. */
  #lend(id: string, folder: string): ModelHost {
    const twin = this.#lent.get(id);
    if (twin && twin.state !== 'failed') return twin;
    if (this.#lent.size >= this.options.maxRootModels) {
      const [idle] = [...this.#lent.values()]
        .filter(({ depth }) => depth === 0)
        .sort((a, b) => a.lastUsed - b.lastUsed);
      if (!idle) {
        const busy = new RequestError(
          503,
          'model_unavailable',
          'every place for models is taken; try again later',
          'model',
        );
        busy.retryAfter = 5;
        throw busy;
      }
      this.#lent.delete(idle.id);
      void idle.close();
    }
    const host = this.#start({ id, source: folder, localFilesOnly: true });
    this.#lent.set(id, host);
    return host;
  }

  #start(model: ResolvedOptions['models'][number]): ModelHost {
    const { maxBatch, batchWindowMs, maxNewTokens, maxQueue, backend, threads } = this.options;
    const { id, source, revision, localFilesOnly, random = false } = model;
    return new ModelHost({
      id,
      random,
      maxQueue,
      hangMs: HANG_MS,
      observe: this.observer.of(id),
      workerData: {
        source,
        backend,
        batching: { maxBatch, windowMs: batchWindowMs },
        limits: {
          maxNewTokens,
          maxAttentionTokens: MAX_ATTENTION_TOKENS,
          maxOcclusionTokens: MAX_OCCLUSION_TOKENS,
        },
        ...(threads === undefined ? {} : { threads }),
        ...(revision === undefined ? {} : { revision }),
        ...(localFilesOnly === undefined ? {} : { localFilesOnly }),
      },
    });
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
