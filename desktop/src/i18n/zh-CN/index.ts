/** Every word in Chinese, by area; what is here has to be in `en-US` too, and nothing else. */

import articles from './articles';
import campaigns from './campaigns';
import customer from './customer';
import floor from './floor';
import frame from './frame';
import reviews from './reviews';
import timeline from './timeline';
import work from './work';

export default { ...articles, ...campaigns, ...customer, ...floor, ...frame, ...reviews, ...timeline, ...work };
