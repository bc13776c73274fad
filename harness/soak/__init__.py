"""Many runs in a row with faults of the machine in them: is there a verdict that is wrong, or anything left?"""
