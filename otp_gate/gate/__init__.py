"""May this request pass?"""
