/** Knowledge. */

import type words from '../zh-CN/articles';

const english: typeof words = {
  article: {
    title: 'Knowledge',
    fitting: 'Good to know',
    find: 'Search titles, texts, categories, tags',
    new: 'New article',
    edit: 'Edit',
    editOf: 'Edit: {title}',
    comma: ', ',
    none: 'There are no articles yet.',
    noneHint: 'Once published, an article stands on the page of every customer whose ticket, plan, queue or gift it fits.',
    saved: 'The article is saved.',
    all: 'All states',
    stateOf: 'State',
    state: { draft: 'Draft', published: 'Published', withdrawn: 'Withdrawn' },
    in: { 'zh-CN': 'Chinese', 'en-US': 'English' },
    headline: 'Title',
    text: 'Text',
    categories: 'Categories of tickets it fits',
    tags: 'Tags',
    listHint: 'Separated by commas: Data charge, Plan',
    tagsHint: 'Names of activities, plans, queues, reasons; separated by commas',
    from: 'Shown from',
    to: 'Shown until',
    ref: 'The firm’s own number',
    languages: 'One language is enough; each one with a title needs a text.',
    changed: '{who} changed it {time}',
    since: 'valid from {time}',
    stale: '{who} changed this article after you had opened it',
    staleHint: 'What you wrote is still here. Look at the change, then save.',
  },
};

export default english;
