/** The words of the cards: what cannot be read from a run's report. */
import type { SourceName } from './release-data.js';

export interface ReleasedModel {
  /** Name of the recipe, and of its run folder. */
  run: string;
  /** What the recipe must be told, as its command is printed; the number of epochs aside. */
  flags?: string;
  /** Where the report does not say. */
  seed?: number;
  /** As the hub names the task. */
  pipeline: string;
  title: string;
  about: string;
  languages: readonly string[];
  data: readonly SourceName[];
  /** True where it starts from bert-mini, and so has read what that read. */
  base?: boolean;
  /** How it was made, beyond what the numbers of the settings say. */
  recipe: string;
  /** Names of metrics, as the hub knows them. */
  measures: readonly string[];
  /** What words stand for the keys of the report. */
  labels?: Readonly<Record<string, string>>;
  /** The classes that the configuration must name, in order. */
  classes?: readonly string[];
  /** The language pairs that the configuration must name. */
  pairs?: readonly string[];
  limits: readonly string[];
  biases: readonly string[];
  tried: readonly string[];
  /** A call, as code. */
  example: string;
}

const fromBertMini =
  'Starts from [bert-mini](../bert-mini), whose encoder and vocabulary it keeps; a new head is drawn by the seed and trained with it.';

const booksBias =
  'The books are of the nineteenth and early twentieth century. Their views of women, of peoples and of classes are those of their time, and the model has learnt them; it knows no newer words.';

const teacherBias =
  "What its teacher, all-MiniLM-L6-v2, took from a billion sentences of the web, prejudices included, is partly handed on through the teacher's hidden states.";

/** What bert-mini has read; those that start from it have read it too. */
const runningTexts: readonly SourceName[] = [
  ...([
    'squad',
    'qamr',
    'naturalQuestions',
    'policyQa',
    'fairytaleQa',
    'agNews',
    'sst2',
    'subjectivity',
  ] as const),
  ...(['trec', 'tweetEval', 'wikiText', 'fairytales', 'childrensBooks'] as const),
];

const small =
  'A model of a few million parameters: fit to show that everything works, and to try ideas; not to be relied on.';

const masks = {
  bias: 'What stands under a mask follows the texts: `he` for kings and sailors, `she` for nurses and mothers.',
};

export const releasedModels: Readonly<Record<string, ReleasedModel>> = {
  'gpt2-mini': {
    run: 'gpt2-mini',
    seed: 42,
    pipeline: 'text-generation',
    title: "a GPT-2 that has read children's classics and fairy tales",
    about:
      "A decoder of GPT-2's architecture with a byte-level BPE vocabulary of its own, trained from nothing on books for children. It writes on in their manner: sentences are English, stories wander.",
    languages: ['en'],
    data: ['childrensBooks', 'fairytales'],
    recipe:
      'Vocabulary and model are trained from nothing on the training books and the training stories; four books and 23 stories are held out whole. AdamW, cosine schedule.',
    measures: ['perplexity'],
    labels: {
      perplexityPerWord: 'perplexity a word',
      'books_children/test.00.txt': 'four held-out books',
      'fairytale_stories/test.txt': 'held-out fairy tales',
      model: 'this model',
      fiveGramOfTokens: '5-gram model (Kneser-Ney) of the same tokens',
      fiveGramOfWords: '5-gram model (Kneser-Ney) of words, unknown ones spelt',
      fiveGramOfUnspeltWords: '5-gram model (Kneser-Ney) of words, spelling of unknown ones not asked for',
    },
    limits: [
      small,
      'It knows nothing of the world after its books, answers no questions and follows no instructions.',
      'Beyond its context it forgets; names and threads of a story get lost after a paragraph.',
      'Some held-out fairy tales may have relatives among the training texts, as tales do; the held-out books are the stricter test.',
    ],
    biases: [
      booksBias,
      'Prompts about modern life are pulled into the world of kings, woods and boarding schools.',
    ],
    tried: [
      'Batches of 16, a rate of 0.001 and dropout of 0.05, in 1.2 epochs: 1483 on the books, 451 on the tales.',
    ],
    example: `using write = await pipeline('text-generation', miniModel('gpt2-mini').folder);
const [first] = await write('Once upon a time', { maxNewTokens: 40, seed: 1 });
console.log(first!.generatedText);`,
  },
  'bert-mini': {
    run: 'bert-mini',
    flags: '--teacher all-MiniLM-L6-v2',
    pipeline: 'fill-mask',
    title: 'a small BERT that learnt from masked words and from a teacher',
    about:
      "An encoder of BERT's architecture, lower-casing. It fills masks, gives features, and is what the classifiers and the reader of this package start from.",
    languages: ['en'],
    data: runningTexts,
    recipe:
      "It learns masked words from running text (15 % of the tokens, as in BERT), and at the same time to give, from the masked text, the hidden states that a teacher gives from the text itself: all-MiniLM-L6-v2 (22.7 million parameters, Apache-2.0). Its vocabulary is the frequent part of the teacher's (bert-base-uncased's), its embeddings start as the principal components of the teacher's. Of the children's classics it reads a quarter. Labels of the sets are not used, and none of the splits that judge the small models is among the texts.",
    measures: ['cross-entropy'],
    labels: {
      heldOutLoss: 'loss on masked words of held-out blocks (nats)',
      unigramLoss: 'the same of a model that only counts tokens (nats)',
    },
    limits: [
      small,
      'Its guesses lean to words that stand in the text already (`the ship sailed across the ship`).',
      'Texts are lower-cased. Rare names and words fall into many pieces.',
      'At most 256 tokens at a time.',
      'Its sentence vectors are plain means of token vectors, not trained for likeness.',
    ],
    biases: [masks.bias, teacherBias, booksBias],
    tried: [
      'Masked words alone, without a teacher and with a vocabulary of its own, are the recipe `masked`.',
    ],
    example: `using fill = await pipeline('fill-mask', miniModel('bert-mini').folder);
console.log(await fill('She opened the [MASK] and went into the house.'));`,
  },
  'bert-mini-sentiment': {
    run: 'bert-mini-sentiment',
    pipeline: 'text-classification',
    title: 'praise or blame',
    about:
      'A small BERT that says whether an English text speaks well or ill of its subject: POSITIVE or NEGATIVE.',
    languages: ['en'],
    data: ['sst2', 'subjectivity'],
    base: true,
    recipe: `${fromBertMini} It learns the labels of SST-2's phrases and sentences and, at the same time, the logits that a larger classifier gives them; 8,000 sentences of the subjectivity set, which have no such label, join with that classifier's judgement, and so do four other wordings of each sentence, in which a third of the words are exchanged for neighbours in the larger classifier's embeddings. One word in ten is hidden each time. The larger classifier is all-MiniLM-L6-v2 (22.7 million parameters, Apache-2.0), fine-tuned by weft on the same phrases (recipe \`sst2\`, 2 epochs at 1e-4: accuracy 0.892). The sentences that judge it were neither trained on nor used to choose.`,
    measures: ['accuracy'],
    labels: {
      accuracy: "accuracy on SST-2 dev (GLUE's 872 sentences)",
      devAccuracy: 'accuracy on phrases held out of the training set',
    },
    classes: ['NEGATIVE', 'POSITIVE'],
    limits: [
      small,
      'It has learnt from film reviews. In other domains words mean other things, and it errs more.',
      'There is no neutral class: a statement of fact gets one of the two, at times with confidence.',
      'Irony, double negation and comparisons are beyond it.',
    ],
    biases: [
      'Film reviews praise and blame whole subjects: names of countries, peoples and themes that stood in good or bad reviews sway it.',
      teacherBias,
    ],
    tried: [
      'On the phrases alone, with no word hidden, in 4 epochs: 0.916 on held-out phrases, whose sentences it had seen in other phrases, but 0.790 on the sentences that judge it.',
      'With words hidden and the sentences of the subjectivity set, but no other wordings, in 4 epochs: 0.805.',
    ],
    example: `using classify = await pipeline('sentiment-analysis', miniModel('bert-mini-sentiment').folder);
console.log(await classify('A warm and clever film.'));`,
  },
  'bert-mini-sentiment-3': {
    run: 'bert-mini-sentiment-3',
    pipeline: 'text-classification',
    title: 'negative, neutral or positive',
    about: 'A small BERT that sorts short English messages into negative, neutral and positive.',
    languages: ['en'],
    data: ['tweetEval'],
    base: true,
    recipe: `Starts from [bert-mini-sentiment](../bert-mini-sentiment), whose encoder and vocabulary it keeps, with a new head. The official training split was not at hand: it is trained on the official test split (12,284 tweets) and judged on the official validation split (2,000), so its numbers are not those of the benchmark.`,
    measures: ['f1', 'accuracy'],
    classes: ['negative', 'neutral', 'positive'],
    limits: [
      small,
      'Tweets of 2013 to 2017: their topics, tags and spelling. Longer and better edited texts are another matter.',
      'Emoji are mostly unknown to its vocabulary.',
    ],
    biases: [
      'Tweets name people, parties and clubs with strong feelings, and the model takes the name for the feeling.',
      teacherBias,
    ],
    tried: [],
    example: `using classify = await pipeline('text-classification', miniModel('bert-mini-sentiment-3').folder);
console.log(await classify('The train leaves at nine.', { topK: null }));`,
  },
  'bert-mini-qa': {
    run: 'bert-mini-qa',
    pipeline: 'question-answering',
    title: 'the answer to a question, found in a text',
    about: 'A small BERT that marks the span of an English text that answers a question.',
    languages: ['en'],
    data: ['squad', 'qamr', 'naturalQuestions', 'policyQa', 'fairytaleQa'],
    base: true,
    recipe: `${fromBertMini} On paragraphs it learns people's answers and, in equal parts, where a larger model finds that they begin and end: all-MiniLM-L6-v2 (22.7 million parameters, Apache-2.0), fine-tuned by weft on the same paragraphs (recipe \`question-answering\`, one epoch at 1e-4: F1 68.0 on the held-out articles of SQuAD, 57.5 on the held-out tales). On QAMR's single sentences it learns people's answers alone. What judges it, and the larger model, was held out by article: no paragraph of such an article was seen in training. The baseline has learnt nothing: it takes the run of words that has most of the question's words around it, rare and near ones counting more.`,
    measures: ['exact_match', 'f1'],
    labels: {
      heldOut: 'held-out articles of SQuAD',
      heldOutOverlap: 'held-out articles of SQuAD, word-overlap baseline',
      tales: 'held-out fairy tales',
      talesOverlap: 'held-out fairy tales, word-overlap baseline',
      all: 'all held-out questions',
      allOverlap: 'all held-out questions, word-overlap baseline',
      heldOutArticles: 'held-out articles',
    },
    limits: [
      small,
      'It answers questions whose words stand near the answer; those that need two sentences or a thought it mostly gets wrong.',
      'It marks a span whether there is an answer or not.',
    ],
    biases: [
      'Articles of Wikipedia decide what is asked: countries, wars and men are overrepresented.',
      teacherBias,
    ],
    tried: [
      'The run began with a schedule for 3 epochs and went on, from step 2,400, with one for 2, for want of time.',
      "On people's answers alone, after 1.25 epochs: F1 21.6 on the held-out articles, 23.2 on the tales; after 2 epochs 22.7 and 24.4; after a third at half the rate 23.1 and 24.6.",
    ],
    example: `using answer = await pipeline('question-answering', miniModel('bert-mini-qa').folder);
console.log(await answer({ question: 'Who sleeps?', context: 'The weaver works. The cat sleeps on the loom.' }));`,
  },
  't5-mini-translation': {
    run: 'translation',
    seed: 1,
    pipeline: 'translation',
    title: 'English to German and to French',
    about:
      "An encoder-decoder of T5's architecture with a Unigram vocabulary of its own for three languages, trained from nothing on captions of photographs. A prefix says into which language: `translate English to German: `.",
    languages: ['en', 'de', 'fr'],
    data: ['multi30k'],
    recipe:
      "Vocabulary and model are trained from nothing on the 29,000 training captions, each into both languages; label smoothing 0.1, linear schedule. Beam search with 4 beams writes what is scored; the score is sacrebleu's, on `test_2016_flickr`, which was neither trained on nor used to choose.",
    measures: ['sacrebleu', 'chrf'],
    labels: {
      test: 'test_2016_flickr',
      val: 'val',
      de: 'English to German',
      fr: 'English to French',
      valLoss: 'loss on val',
    },
    pairs: ['translation_en_to_de', 'translation_en_to_fr'],
    limits: [
      small,
      'It knows the language of captions: people, dogs, streets, sports. What a caption would not say it translates badly or not at all.',
      'One sentence at a time, of up to some forty words; no other pairs and no other direction.',
      'The captions describe photographs that are for non-commercial research and education.',
    ],
    biases: [
      'Captions guess the sex, age and origin of people from pictures; a person whose sex is not said mostly becomes a man in German and French.',
    ],
    tried: [
      'One learning rate of 0.004 for all parameters: the loss on val was 5.3 after the first epoch and stayed there, since attention did not form. A rate in proportion to the scale that each parameter begins with, as in Adafactor, mended that.',
      'The run began with a schedule for 11 epochs and went on, from step 4,898, with one for 8: BLEU on 300 sentences of val was 34.4 and 52.7 by then.',
    ],
    example: `using translate = await pipeline('translation_en_to_de', miniModel('t5-mini-translation').folder);
console.log(await translate('Two dogs run on the beach.'));`,
  },
};
