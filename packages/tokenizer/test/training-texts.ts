const SYLLABLES = "weft warp loom ing er the an é ß 织 yarn un re ly 12 7 's ❤ tion str a e o st".split(' ');

/** The texts that tooling/reference/tokenizer.py trains on. */
export function trainingTexts(count = 1500): string[] {
  let state = 20231n;
  const below = (limit: number): number => {
    state = (state * 1103515245n + 12345n) % 2n ** 31n;
    return Number(state >> 16n) % limit;
  };
  return Array.from({ length: count }, () => {
    const words: string[] = [];
    for (let n = 2 + below(12); n > 0; n--) {
      let word = '';
      for (let m = 1 + below(4); m > 0; m--) word += SYLLABLES[below(SYLLABLES.length)]!;
      words.push(word);
    }
    return words.join(' ') + ['.', '!', '\n', ''][below(4)]!;
  });
}
