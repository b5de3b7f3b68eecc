import { colors } from '../colors.js';
import { printTable } from '../terminal.js';
import { cast, type Stage } from './stage.js';

const texts = [
  'A warm and clever film with a wonderful cast.',
  'The plot is a mess and the jokes fall flat.',
  'The train to Bristol leaves at nine.',
  'I love this song!',
];

interface Judgement {
  label: string;
  score: number;
}

/** The same texts before a judge that knows two classes, and one that knows three. */
export async function judging({ signal }: Stage): Promise<void> {
  const two = await judge('bert-mini-sentiment', signal);
  const three = await judge('bert-mini-sentiment-3', signal);
  printTable(
    ['text', 'two classes', 'three classes'],
    texts.map((text, i) => [text, shown(two[i]!), shown(three[i]!)]),
  );
}

async function judge(
  name: 'bert-mini-sentiment' | 'bert-mini-sentiment-3',
  signal: AbortSignal,
): Promise<Judgement[]> {
  const folder = await cast(name);
  const { pipeline } = await import('@weft/pipelines');
  using classify = await pipeline('text-classification', folder, { signal });
  return (await classify(texts, { signal })) as Judgement[];
}

const shown = ({ label, score }: Judgement): string => `${label} ${colors.dim(score.toFixed(2))}`;
