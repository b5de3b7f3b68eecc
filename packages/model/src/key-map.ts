/** How the keys of a family's checkpoints relate to the paths of its modules: one place for all of it. */
export interface KeyMap {
  /**
   * The prefix under which models with a head keep the base model (`transformer`, `bert`). A checkpoint of the
   * base alone lacks it; a checkpoint with it loads into the base too.
   */
  basePrefix: string;
  /** Old spellings, rewritten in the file's keys: `LayerNorm.gamma` -> `LayerNorm.weight`. */
  renames?: readonly (readonly [from: RegExp, to: string])[];
  /** Keys of files that are no parameters, such as causal masks. */
  ignored?: readonly RegExp[];
  /** Keys of parameters whose first axis is the vocabulary, which grow and shrink with it; in the module's keys. */
  vocabulary?: readonly RegExp[];
}

/**
 * Finds for each key of a module the key of the file that holds it.
 *
 * @param names the keys of the file
 * @param map the family's
 * @param isBase whether the module is the base model itself, whose keys have no prefix
 */
export function resolveKeys(
  names: readonly string[],
  { basePrefix, renames = [], ignored = [] }: KeyMap,
): { resolve: (key: string) => string | undefined; isIgnored: (name: string) => boolean } {
  const prefix = `${basePrefix}.`;
  const byKey = new Map<string, string>();
  for (const name of names) {
    const key = renames.reduce((text, [from, to]) => text.replace(from, to), name);
    byKey.set(key, name);
  }
  return {
    resolve(key) {
      const other = key.startsWith(prefix) ? key.slice(prefix.length) : prefix + key;
      return byKey.get(key) ?? byKey.get(other);
    },
    isIgnored: (name) => ignored.some((pattern) => pattern.test(name)),
  };
}
