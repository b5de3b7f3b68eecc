import { distance } from 'fastest-levenshtein';

/** The name that was probably meant; undefined where none is near. */
export function nearest(given: unknown, names: readonly string[]): string | undefined {
  if (typeof given !== 'string' || given === '') return undefined;
  const plain = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '');
  const far = names.map((name) => ({ name, edits: distance(plain(given), plain(name)) }));
  const best = far.sort((a, b) => a.edits - b.edits)[0];
  return best !== undefined && best.edits <= Math.max(2, given.length / 3) ? best.name : undefined;
}
