import { statSync } from 'node:fs';
import { ByteBar } from '../progress-bar.js';
import type { Source } from './source.js';

/** The same source, with a bar of how much of its file is read; a pipe's size is not known, and has none. */
export function measured(source: Source, path: string): { source: Source; stop: () => void } {
  if (path === '-') return { source, stop: () => {} };
  const total = statSync(path).size;
  const bar = new ByteBar();
  let loaded = 0;
  const open = async function* (): AsyncGenerator<Buffer, void, void> {
    for await (const chunk of source.open()) {
      yield chunk;
      // Counted when the reader comes back for more: what it holds is then done.
      loaded += chunk.length;
      bar.update({ label: source.name, loaded, total });
    }
  };
  return { source: { ...source, open }, stop: () => bar.stop() };
}
