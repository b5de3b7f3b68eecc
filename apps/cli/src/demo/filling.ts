import { colors } from '../colors.js';
import { printLine } from '../terminal.js';
import { cast, type Stage } from './stage.js';

const texts = [
  'She opened the [MASK] and went into the house.',
  'The song was released in the united [MASK] in 1994.',
  'Many people [MASK] killed in the war.',
];

/** What stands under a mask. */
export async function filling({ signal }: Stage): Promise<void> {
  const folder = await cast('bert-mini');
  const { pipeline } = await import('@weft/pipelines');
  using fill = await pipeline('fill-mask', folder, { signal });
  const fillings = await fill(texts, { topK: 4, signal });
  for (const [i, text] of texts.entries()) {
    const words = fillings[i]!.flat().map(
      ({ tokenStr, score }) => `${colors.bold(tokenStr)} ${colors.dim(score.toFixed(2))}`,
    );
    printLine(text);
    printLine(`  ${words.join('  ')}`);
  }
}
