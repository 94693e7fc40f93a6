"""What each p-value tests: a rejection speaks against this sentence, and against nothing weaker.

`NOT_JUDGED` stands where nothing is tested, and no interval is given, because the number is shown and not judged.
"""

from __future__ import annotations

NO_CHANGE = "the share of right answers is the same before and after"
ZERO_MEAN = "the change is zero"
SAME_IN_GROUPS = "the change is the same in both groups"
EXCHANGEABLE = "before and after are exchangeable in each image: nothing changed but by chance"
SAME_RATES = "items of all groups flip at the same rate"
NOT_JUDGED = "nothing is tested: the number is shown, not judged"
