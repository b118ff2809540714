/** Reviews. */

import type words from '../zh-CN/reviews';

const english: typeof words = {
  reviews: {
    title: 'Reviews',
    sample: 'To be heard today',
    sampleHint: 'Drawn by lot for each agent and week; nobody picks.',
    nothing: 'Nothing is left to be heard today.',
    hear: 'Hear and review',
    goOn: 'Go on',
    form: 'A talk of {agent}',
    recording: 'Recording of the call',
    noRecording: 'There is no recording of this call on this server.',
    weight: 'weight {weight}',
    notSeen: 'did not come up',
    note: 'What went well, what can be better',
    share: 'Share with the agent',
    keep: 'Keep as a draft',
    stored: 'The draft is kept.',
    sharedNow: 'The review is shared with the agent.',
    shared: 'Shared reviews',
    mine: 'Reviews of my talks',
    came: 'A review of one of your talks was shared with you: it is under Reviews.',
    noneShared: 'No review was shared yet.',
    answer: 'Answer:',
    answerHint: 'What you say to it',
    agree: 'I agree',
    dispute: 'I see it otherwise',
    answered: 'Your answer is kept.',
    figures: 'Means of the last 30 days',
    count: 'Reviews',
    mean: 'In all',
    state: { draft: 'Draft', shared: 'Shared', accepted: 'Agreed', disputed: 'Disputed' },
  },
};

export default english;
