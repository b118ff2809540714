/** Every word in English. The compiler holds each area to its Chinese one. */

import articles from './articles';
import campaigns from './campaigns';
import customer from './customer';
import floor from './floor';
import frame from './frame';
import reviews from './reviews';
import timeline from './timeline';
import work from './work';

export default { ...articles, ...campaigns, ...customer, ...floor, ...frame, ...reviews, ...timeline, ...work };
