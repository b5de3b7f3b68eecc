/** What the models were trained and judged on, as their cards name it. */

export interface DataSource {
  /** As people know it. */
  title: string;
  /** Its id among the data sets of the hub, where it has one. */
  id?: string;
  licence: string;
  /** What it is, in a line. */
  about: string;
}

export const sources = {
  childrensBooks: {
    title: "41 children's classics",
    licence: 'public domain',
    about: 'English books from Carroll to Alcott, out of mlschmitt/classic-books-markdown, 2.6 million words',
  },
  fairytales: {
    title: "FairytaleQA's stories",
    id: 'GEM/FairytaleQA',
    licence: 'Apache-2.0; the stories are of Project Gutenberg, in the public domain',
    about: '232 fairy tales of many countries, in English',
  },
  agNews: {
    title: 'AG News, part',
    id: 'fancyzhx/ag_news',
    licence: "AG's corpus is for non-commercial use",
    about: '10,000 short news items, as running text without their topics',
  },
  wikiText: {
    title: 'WikiText-2, validation split',
    id: 'Salesforce/wikitext',
    licence: 'CC BY-SA (Wikipedia)',
    about: 'articles of Wikipedia, as running text',
  },
  subjectivity: {
    title: 'Subjectivity (Pang and Lee), training part',
    licence: 'CC BY 4.0',
    about: 'sentences of film reviews and plots, as running text without labels',
  },
  trec: {
    title: 'TREC question classification, training part',
    id: 'CogComp/trec',
    licence: 'none stated',
    about: 'questions, as running text without their types',
  },
  sst2: {
    title: 'SST-2',
    id: 'stanfordnlp/sst2',
    licence: 'none stated',
    about:
      'phrases out of film reviews, negative or positive; the 872 sentences of the dev split of GLUE judge',
  },
  tweetEval: {
    title: 'TweetEval, sentiment',
    id: 'cardiffnlp/tweet_eval',
    licence: 'released without restrictions of its own; those of Twitter may apply',
    about: 'tweets, negative, neutral or positive',
  },
  squad: {
    title: 'SQuAD 1.1, dev set',
    id: 'rajpurkar/squad',
    licence: 'CC BY-SA 4.0',
    about: 'questions on articles of Wikipedia; every fifth article is held out',
  },
  qamr: {
    title: 'QAMR',
    licence: 'MIT',
    about: 'questions and answers on single sentences of Wikipedia and Wikinews',
  },
  naturalQuestions: {
    title: 'QED (Natural Questions)',
    licence: 'text CC BY-SA 3.0',
    about: 'questions that people typed into a search engine, with paragraphs of Wikipedia',
  },
  policyQa: {
    title: 'PolicyQA',
    licence: 'MIT',
    about: 'questions on privacy policies of web sites',
  },
  fairytaleQa: {
    title: 'FairytaleQA, extractive questions',
    id: 'GEM/FairytaleQA',
    licence: 'Apache-2.0',
    about: 'questions on fairy tales whose answer stands in the text',
  },
  multi30k: {
    title: 'Multi30k, task 1',
    id: 'bentrevett/multi30k',
    licence:
      'no licence file; captions of the photographs of Flickr30K, which are for non-commercial research and education',
    about: '29,000 captions in English, German and French for training; val chooses, test_2016_flickr judges',
  },
} as const satisfies Readonly<Record<string, DataSource>>;

export type SourceName = keyof typeof sources;
