// Package notifiertest is what every channel is tested with.
package notifiertest
