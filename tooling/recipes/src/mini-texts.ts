import { dataFile, lines } from './files.js';
import { contexts, paragraphQuestions, sentenceQuestions } from './squad.js';

/**
 * Running text for a small encoder, of many kinds: news, encyclopaedia, policies, tales, reviews, messages; and a
 * part of the children's books. None of the splits that judge the small models is in it.
 */
export function miniTexts(): string[] {
  // Some of the files have a head, `sentence<TAB>label`.
  const tabbed = (file: string): string[] =>
    lines(dataFile(file))
      .map((line) => line.split('\t')[0]!)
      .filter((text) => text !== 'sentence');
  return [
    ...contexts(paragraphQuestions()),
    ...contexts(sentenceQuestions()),
    ...tabbed('agnews/dev.tsv'),
    ...tabbed('sst2/sentences_train.tsv'),
    ...tabbed('subjectivity/train.tsv'),
    ...tabbed('trec/train.tsv'),
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
