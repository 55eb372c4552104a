# Claims of miners.

