import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { HubServer } from '../../checkpoint/test/hub-server.ts';
import { pipeline, setDefaultModels } from '../src/index.ts';
import { modelFolder } from './cases.ts';

let hub: HubServer;
let cacheDir: string;
const warnings: string[] = [];
const options = (): { cacheDir: string; warn: (line: string) => void } => ({
  cacheDir,
  warn: (line) => warnings.push(line),
});

beforeAll(async () => {
  hub = await HubServer.start('distilbert/distilbert-base-uncased-finetuned-sst-2-english');
});
beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'weft-'));
  vi.stubEnv('HF_ENDPOINT', hub.url);
  vi.stubEnv('HF_HUB_OFFLINE', '');
  warnings.length = 0;
});
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.doUnmock('@weft/mini-models');
  await rm(cacheDir, { recursive: true });
});
afterAll(() => hub.stop());

async function serve(name: string): Promise<void> {
  hub.files.clear();
  for (const file of await readdir(modelFolder(name))) {
    hub.add(file, await readFile(join(modelFolder(name), file)), file.endsWith('.safetensors'));
  }
}

describe('without a model', () => {
  it('the one that transformers has for the task answers, from the hub', async () => {
    await serve('sentiment');
    using classify = await pipeline('sentiment-analysis', undefined, options());
    expect(classify.modelName).toBe('distilbert/distilbert-base-uncased-finetuned-sst-2-english');
    expect(await classify('x')).toHaveLength(1);
    expect(warnings).toEqual([]);
  });

  it('the one that was set answers', async () => {
    setDefaultModels({ ner: modelFolder('tagger-bert') });
    using tag = await pipeline('token-classification', undefined, options());
    expect(tag.modelName).toBe(modelFolder('tagger-bert'));
    setDefaultModels({ ner: undefined });
    expect(() => setDefaultModels({ nerr: 'x' })).toThrow('did you mean ner?');
  });

  it('the offline one answers where the hub does not, and says so', async () => {
    vi.doMock('@weft/mini-models', () => ({
      miniModelFor: (task: string) => (task === 'ner' ? undefined : modelFolder('sentiment')),
    }));
    vi.stubEnv('HF_ENDPOINT', 'http://127.0.0.1:9');
    using classify = await pipeline('text-classification', undefined, options());
    expect(classify.modelName).toBe("sentiment (weft's own small model)");
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('no connection');
    expect(warnings[0]).toContain("sentiment (weft's own small model) answers");
  });

  it('and no hub and none that is offline, there is an error that says both', async () => {
    vi.doMock('@weft/mini-models', () => ({ miniModelFor: () => undefined }));
    vi.stubEnv('HF_HUB_OFFLINE', '1');
    await expect(pipeline('ner', undefined, options())).rejects.toMatchObject({
      code: 'WEFT_INPUT',
      received: expect.stringContaining('@weft/mini-models has none for it'),
      remedy: expect.stringContaining("pipeline('token-classification', model)"),
    });
  });

  it('a signal stops the search', async () => {
    vi.stubEnv('HF_ENDPOINT', 'http://127.0.0.1:9');
    const control = new AbortController();
    const work = pipeline('ner', undefined, { ...options(), signal: control.signal });
    control.abort(new Error('enough'));
    await expect(work).rejects.toThrow('enough');
  });
});
