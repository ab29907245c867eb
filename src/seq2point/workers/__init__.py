"""What works off many tasks: a pool of processes here, a Ray cluster, and the lock of a folder.

Neither knows what a task is. A fleet's homes and a study's trainings go the same way.
"""
