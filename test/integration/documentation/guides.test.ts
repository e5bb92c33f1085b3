import { PAGES } from '../../support/pages.ts';
import { executePages } from './page-suite.ts';

executePages(PAGES.filter(({ path }) => path.startsWith('docs/guides/')));
