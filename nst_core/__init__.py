"""Pictures, color, loss networks, losses and the Gatys optimizer."""

import os

# OpenMP, which reads this as torch is imported: threads that wait for others sleep instead of turning round, for which
# they would hold a core that another program, or the thread waited for, could use.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
