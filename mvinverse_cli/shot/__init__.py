"""THROUGH one shot: its frames are laid out in passes of the network, and the maps of the passes become one.

`layout` says which frames share a pass, `prepared` brings pictures onto the network's grid, `passes` is the network at
work on one pass, `seams` joins passes, `plates` decodes pictures a second time, `ahead` lets all of it overlap, and
`decompose` is the arrow through them: the border between numpy and torch.
"""
