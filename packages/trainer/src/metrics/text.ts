/** The words between white space, where white space is what Python's str.split takes for it. */
export function splitWords(text: string): string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: Python takes these four separators for white space.
  return text.split(/[\p{White_Space}\x1c-\x1f]+/u).filter((word) => word !== '');
}

export function countOf(items: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return counts;
}
