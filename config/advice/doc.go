// Package advice says what a finished configuration should be warned about: what is
// allowed and hardly meant, such as hours at which nobody is told.
//
// It needs no files and no HCL. What only the files can tell, whether somebody wrote
// what would be the default anyway, is handed to it as [Written]. It never refuses
// anything: what makes a configuration unusable is found while it is read.
package advice
