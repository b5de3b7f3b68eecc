import { dataFile, lines } from './files.js';
import { contexts, trainingQuestions } from './squad.js';

/**
 * Running text for a small encoder, of many kinds: news, encyclopaedia, policies, tales, reviews, messages; and a
 * part of the children's books. None of the splits that judge the small models is in it.
 */
export function miniTexts(): string[] {
  const tabbed = (file: string, column: number): string[] =>
    lines(dataFile(file))
      .slice(1)
      .map((line) => line.split('\t')[column] ?? '');
  return [
    ...contexts(trainingQuestions()),
    ...tabbed('agnews/dev.tsv', 0),
    ...tabbed('sst2/sentences_train.tsv', 0),
    ...tabbed('subjectivity/train.tsv', 0),
    ...tabbed('trec/train.tsv', 0),
    ...lines(dataFile('tweeteval/sentiment/test_text.txt')),
    ...lines(dataFile('wikitext2/valid.txt')),
    ...paragraphs('fairytale_stories/train.txt'),
    ...paragraphs('books_children/train.00.txt'),
  ].filter((text) => text.trim() !== '');
}

function paragraphs(file: string): string[] {
  return dataFile(file)
    .split(/\n\s*\n/)
    .map((text) => text.replace(/\s+/g, ' '));
}
