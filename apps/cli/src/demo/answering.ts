import { colors } from '../colors.js';
import { printLine } from '../terminal.js';
import { cast, lit, type Stage, wrap } from './stage.js';

const context =
  'The first loom of the village was built in 1782 by Anna Weber, a carpenter from Ulm. It stood in the old mill ' +
  'beside the river until the flood of 1856 carried it away. Today a copy of the loom can be seen in the town hall.';

const questions = [
  'Who built the first loom?',
  'When did the flood carry it away?',
  'Where can a copy be seen today?',
];

/** Questions, each with the place in the text that answers it. */
export async function answering({ signal }: Stage): Promise<void> {
  const folder = await cast('bert-mini-qa');
  const { pipeline } = await import('@weft/pipelines');
  using answer = await pipeline('question-answering', folder, { signal });
  const answers = await answer(
    questions.map((question) => ({ question, context })),
    { signal },
  );
  printLine(wrap(context));
  for (const [i, question] of questions.entries()) {
    const { start, end, score } = [answers[i]!].flat()[0]!;
    const place = surroundings(context, start, end);
    printLine(`${colors.bold(question)}  ${colors.dim(score.toFixed(2))}`);
    printLine(`  ${place.before}${lit(context.slice(start, end))}${place.after}`);
  }
}

/** Some words of the text before and after a span. */
function surroundings(text: string, start: number, end: number): { before: string; after: string } {
  const before = text.slice(0, start).match(/(\S+\s+){0,4}$/)![0];
  const after = text.slice(end).match(/^\S*(\s+\S+){0,3}/)![0];
  return {
    before: before.length < start ? `… ${before}` : before,
    after: end + after.length < text.length ? `${after} …` : after,
  };
}
